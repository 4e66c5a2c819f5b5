package consumer

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Identity names a member: its group and its own name in it.
type Identity struct {
	Group, Name string
}

// String is the form that clients use: group:name.
func (id Identity) String() string { return id.Group + ":" + id.Name }

// AckMode says when a member's records are accepted.
type AckMode int

// The ways of acknowledging.
const (
	// AckExplicit waits for the client's acknowledgement.
	AckExplicit AckMode = iota
	// AckNext accepts what was lent when the client asks for more.
	AckNext
	// AckNone accepts a record when it is lent: at most once.
	AckNone
)

// SubscribeOptions is what a member wants to be lent. Overrides are librdkafka properties of its
// subscription; members that differ in topics or overrides share no subscription.
type SubscribeOptions struct {
	Topics []string
	// Partitions, if there are any, take the place of Topics. The member then has a consumer of its own that is
	// in no group, and only commits for it: Kafka allows that while no others are members of the group.
	Partitions []record.TopicPartition
	Overrides  config.Properties
	Ack        AckMode
	// WindowFactor is how many times Config's window the member may leave unsettled, when it asks for many
	// clients; 0 is once. What a partition may hold stays the same.
	WindowFactor int
	// Address is the client's, or the zero value: Config.MaxSubscriptions bounds also what one address may open.
	Address netip.Addr
}

// key is equal for interests that can share a subscription.
func (in *SubscribeOptions) key(group string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q", group, slices.Compact(slices.Sorted(slices.Values(in.Topics))))
	for _, name := range slices.Sorted(maps.Keys(in.Overrides)) {
		fmt.Fprintf(&b, " %q=%q", name, in.Overrides[name])
	}
	return b.String()
}

// TakenError says that a live connection has the identity already.
type TakenError struct{ Identity Identity }

func (e *TakenError) Error() string { return fmt.Sprintf("id %s is already taken", e.Identity) }

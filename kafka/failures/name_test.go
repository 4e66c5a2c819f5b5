package failures

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestNamesOfDeadLetterTopics(t *testing.T) {
	long := strings.Repeat("t", 249)
	for _, c := range []struct{ topic, group, want string }{
		{"orders", "billing", "dlq.orders.billing"},
		{"orders.eu", "billing", "dlq.orders.eu.billing"},
		{"orders", "eu_billing-2", "dlq.orders.eu_billing-2"},
		{"orders", "eu.billing", "dlq.orders.eu_billing-6fb3cb03"},
		{"orders", "bill/ing ü", "dlq.orders.bill_ing__-c14ffbc8"},
		{"orders", "billing-0123abcd", "dlq.orders.billing-0123abcd-8c27eb5d"},
		{"orders", "", "dlq.orders.-e8da5395"},
		{long, "billing", "dlq." + long[:236] + "-e85eec00"},
	} {
		if got := TopicName(c.topic, c.group); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.topic, c.group, got, c.want)
		}
	}
}

// Names are drawn of few characters, so that they often look alike, also as a name with a hash does.
func TestNoTwoPairsShareADeadLetterTopic(t *testing.T) {
	t.Parallel()
	topic := rapid.OneOf(rapid.StringMatching(`[ab._-]{1,4}(\.[ab]-[0-9a-f]{8})?`), rapid.StringMatching(`[a.]{235,249}`)).
		Filter(func(name string) bool { return record.ValidTopic(name) })
	group := rapid.OneOf(rapid.StringMatching(`[ab._/ -]{1,4}(-[0-9a-f]{8})?`), rapid.StringMatching(`[a./]{235,255}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		owners := map[string][2]string{}
		add := func(topic, group string) string {
			name := TopicName(topic, group)
			if !record.ValidTopic(name) || !IsLetterTopic(name) {
				t.Fatalf("%q of %q and %q is no name of a dead-letter topic", name, topic, group)
			}
			pair := [2]string{topic, group}
			if owner, taken := owners[name]; taken && owner != pair {
				t.Fatalf("%q is the name for %q and for %q", name, owner, pair)
			}
			owners[name] = pair
			return name
		}
		for range 20 {
			tp, g := topic.Draw(t, "topic"), group.Draw(t, "group")
			name := add(tp, g)
			// What else could be meant by this name.
			whole := strings.TrimPrefix(name, letterPrefix)
			for i := range whole {
				if whole[i] == '.' && record.ValidTopic(whole[:i]) {
					add(whole[:i], whole[i+1:])
				}
			}
		}
	})
}

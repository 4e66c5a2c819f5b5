package v1

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// takeParams is what a request asks of a group.
type takeParams struct {
	lender.Limits

	group    string
	interest kafka.SubscribeOptions
	key      string // equal for requests that one lender can serve
	format   recordjson.Format
	stream   *streamFormat // nil for a list
	wait     time.Duration // for a list
	quota    int           // bounds the leases of a stream
	timed    bool          // Timeout was asked for
	policy   []string      // sluice.<name>=<value>, of what the policy may let clients set
}

// What strangers may ask for.
const (
	mostOverrides = 20
	mostUnacked   = 10_000
	longestWait   = time.Minute
	shortestLease = lender.Turn
	longestLease  = 12 * time.Hour
)

// windowsEach is kafka.Interest.Windows. With one window of 16 MiB, a few workers with large records would keep all
// others waiting. The memory of each partition stays bounded.
const windowsEach = 16

// parameter is a parameter of lists, of streams, or of both.
type parameter struct {
	list, stream bool
	set          func(*takeParams, string) error
}

var parameters = map[string]parameter{
	"topics": {true, true, (*takeParams).setTopics},
	"format": {true, true, (*takeParams).setFormat},
	"ack":    {true, true, (*takeParams).setAck},
	"ack_timeout": {true, true, func(d *takeParams, v string) error {
		d.timed = true
		return exchange.Period(&d.Timeout, v, shortestLease, longestLease)
	}},
	"dispatch":    {true, true, (*takeParams).setDispatch},
	"max":         {true, false, func(d *takeParams, v string) error { return exchange.Count(&d.Limits.Records, v, exchange.MostRecords) }},
	"max_bytes":   {true, false, func(d *takeParams, v string) error { return exchange.Count(&d.Bytes, v, exchange.MostBytes) }},
	"wait":        {true, false, func(d *takeParams, v string) error { return exchange.Period(&d.wait, v, 0, longestWait) }},
	"max_unacked": {false, true, func(d *takeParams, v string) error { return exchange.Count(&d.quota, v, mostUnacked) }},
}

// readTakeParams reads the request. A parameter with a dot in its name is a property of librdkafka, as in the keys of
// the Redis door's consumers.
func readTakeParams(x *exchange.Exchange) (*takeParams, error) {
	d := &takeParams{
		group:  x.R.PathValue("group"),
		Limits: lender.Limits{Records: 100, Bytes: 1 << 20, Timeout: time.Minute},
		interest: kafka.SubscribeOptions{
			Overrides: kafka.Properties{}, WindowFactor: windowsEach, Address: x.Address(),
			// Workers have no order among each other: who fails keeps back no more than must be.
			AnyDispatch: true, Blocks: kafka.BlockKey,
		},
		wait:   time.Second,
		quota:  100,
		stream: streamFormatOf(x.R.Header),
	}
	if err := exchange.ValidGroup(d.group); err != nil {
		return nil, err
	}
	q, err := url.ParseQuery(x.R.URL.RawQuery)
	if err != nil {
		return nil, exchange.Invalid("the query is not well formed: %v", err)
	}
	for name, values := range q {
		if len(values) > 1 {
			return nil, exchange.Invalid("%s is given more than once", name)
		}
		if err := d.set(name, values[0]); err != nil {
			return nil, err
		}
	}
	if len(d.interest.Topics) == 0 {
		return nil, exchange.Invalid("topics: say which, as in topics=orders,payments")
	}
	if d.stream != nil {
		d.Limits.Records, d.Bytes = streamBatch, streamBytes
	}
	d.key = d.identify()
	return d, nil
}

// set sets one parameter.
func (d *takeParams) set(name, value string) error {
	p, known := parameters[name]
	switch bare, ours := strings.CutPrefix(name, kafka.OverridePrefix); {
	case ours:
		return d.setPolicy(bare, value)
	case !known && strings.Contains(name, "."):
		if d.interest.Overrides[name] = value; len(d.interest.Overrides) > mostOverrides {
			return exchange.Invalid("more than %d properties", mostOverrides)
		}
		return nil
	case !known:
		return exchange.Invalid("unknown parameter %q: there are %s, and properties of the consumer, as auto.offset.reset",
			name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
	case d.stream != nil && !p.stream:
		return exchange.Invalid("%s is of a list, not of a stream: that has max_unacked", name)
	case d.stream == nil && !p.list:
		return exchange.Invalid("%s is of a stream: ask for one with Accept: text/event-stream or %s", name, exchange.NDJSONType)
	}
	if err := p.set(d, value); err != nil {
		return exchange.Invalid("%s: %v", name, err)
	}
	return nil
}

// setPolicy sets a setting of the group's policy for failed records. Whether the policy lets clients do that is seen when the group
// is joined.
func (d *takeParams) setPolicy(name, value string) error {
	known, err := d.interest.Failures.Set(name, value)
	if name == "dispatch" {
		known, err = true, d.setDispatch(value)
	}
	switch {
	case err != nil:
		return exchange.Invalid("%v", err)
	case !known:
		return exchange.Invalid("unknown parameter %q: policies may let clients set sluice.%s", kafka.OverridePrefix+name,
			strings.Join(kafka.Overridable, ", sluice."))
	}
	d.policy = append(d.policy, name+"="+value)
	return nil
}

func (d *takeParams) setDispatch(value string) error {
	if was := d.interest.Dispatch; was != "" {
		return fmt.Errorf("dispatch is said twice: %s and %s", was, value)
	}
	d.interest.Dispatch = kafka.Dispatch(value)
	if d.interest.Dispatch != kafka.Ordered && d.interest.Dispatch != kafka.Keyed && d.interest.Dispatch != kafka.Shared {
		return fmt.Errorf("%q is not one of ordered, keyed, shared", value)
	}
	return nil
}

// setLease sets how long records are lent, where a policy says it: the shortest lease of the topics. A request may ask for
// another one if no policy says it, or if they let clients choose.
func (d *takeParams) setLease(client *kafka.Client) error {
	var lease time.Duration
	for _, topic := range d.interest.Topics {
		p := client.FailurePolicy(d.group, topic)
		if d.timed && p.Lease > 0 && p.Lease != d.Timeout && !p.Allows("lease") {
			return exchange.Invalid("ack_timeout: the policy of group %s and topic %s lends records for %s, and lets no client choose: "+
				"leave it out, or see overrides in its settings", d.group, topic, p.Lease)
		}
		p = d.interest.Failures.Apply(p)
		if p.Lease > 0 && (lease == 0 || p.Lease < lease) {
			lease = p.Lease
		}
	}
	if lease > 0 && !d.timed {
		d.Timeout = lease
	}
	return nil
}

func (d *takeParams) setTopics(value string) error {
	if n := strings.Count(value, ",") + 1; n > exchange.MostTopics {
		return fmt.Errorf("%d are more than %d", n, exchange.MostTopics)
	}
	d.interest.Topics = strings.Split(value, ",")
	for _, name := range d.interest.Topics {
		if !kafka.ValidTopic(name) {
			return fmt.Errorf("%q is no name of a topic", name)
		}
	}
	slices.Sort(d.interest.Topics)
	d.interest.Topics = slices.Compact(d.interest.Topics)
	return nil
}

func (d *takeParams) setFormat(value string) (err error) {
	f, known := recordjson.ByName[value]
	if !known || value == "" {
		err = fmt.Errorf("%q is not one of json, binary, text", value)
	}
	d.format = f
	return err
}

func (d *takeParams) setAck(value string) error {
	if value != "explicit" && value != "none" {
		return fmt.Errorf("%q is neither explicit nor none", value)
	}
	d.Unacked = value == "none"
	return nil
}

// identify returns the key. No part of it has a NUL byte.
func (d *takeParams) identify() string {
	var key strings.Builder
	key.WriteString(d.group)
	for _, name := range d.interest.Topics {
		key.WriteString("\x00" + name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.interest.Overrides)) {
		key.WriteString("\x00" + name + "=" + strings.ReplaceAll(d.interest.Overrides[name], "\x00", ""))
	}
	for _, setting := range slices.Sorted(slices.Values(d.policy)) {
		key.WriteString("\x00sluice." + setting)
	}
	key.WriteString("\x00" + string(d.interest.Dispatch))
	return key.String()
}

// streamFormatOf returns the format of the stream that the client accepts; nil for a list. What it names first counts:
// generated clients accept all that the document has, and read a list.
func streamFormatOf(h http.Header) *streamFormat {
	for kind := range exchange.MediaRanges(h) {
		if s := streamFormats[kind]; s != nil || kind == exchange.JSONType {
			return s
		}
	}
	return nil
}

package rest

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
)

// demand is what a request would like to have of a group.
type demand struct {
	lender.Limits

	group    string
	interest kafka.Interest
	key      string // equal for demands of one lender
	format   format
	shape    *shape        // of a stream, nil for a list
	wait     time.Duration // of a list
	most     int           // leases of a stream
}

// What strangers may ask for.
const (
	mostOverrides = 20
	mostUnacked   = 10_000
	longestWait   = time.Minute
	shortestLease = lender.Turn
	longestLease  = 12 * time.Hour
)

// windowsEach is kafka.Interest.Windows: of one window, of 16 MiB, a few workers with large records would keep
// all others waiting. What a partition holds is bounded all the same.
const windowsEach = 16

// A parameter belongs to lists, to streams, or to both.
type parameter struct {
	list, stream bool
	set          func(*demand, string) error
}

var parameters = map[string]parameter{
	"topics":      {true, true, (*demand).setTopics},
	"format":      {true, true, (*demand).setFormat},
	"ack":         {true, true, (*demand).setAck},
	"ack_timeout": {true, true, func(d *demand, v string) error { return period(&d.Timeout, v, shortestLease, longestLease) }},
	"max":         {true, false, func(d *demand, v string) error { return count(&d.Limits.Records, v, mostRecords) }},
	"max_bytes":   {true, false, func(d *demand, v string) error { return count(&d.Bytes, v, mostBytes) }},
	"wait":        {true, false, func(d *demand, v string) error { return period(&d.wait, v, 0, longestWait) }},
	"max_unacked": {false, true, func(d *demand, v string) error { return count(&d.most, v, mostUnacked) }},
}

// demand reads the request. Parameters with a dot in their name are librdkafka's properties, as in the
// settings of a consumer key of the Redis door.
func readDemand(x *exchange) (*demand, error) {
	d := &demand{
		group:    x.r.PathValue("group"),
		Limits:   lender.Limits{Records: 100, Bytes: 1 << 20, Timeout: time.Minute},
		interest: kafka.Interest{Overrides: kafka.Properties{}, Windows: windowsEach, Address: x.address()},
		wait:     time.Second,
		most:     100,
		shape:    shapeOf(x.r.Header),
	}
	if err := validGroup(d.group); err != nil {
		return nil, err
	}
	q, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query is not well formed: %v", err)
	}
	for name, values := range q {
		if len(values) > 1 {
			return nil, invalid("%s is given more than once", name)
		}
		if err := d.set(name, values[0]); err != nil {
			return nil, err
		}
	}
	if len(d.interest.Topics) == 0 {
		return nil, invalid("topics: say which, as in topics=orders,payments")
	}
	if d.shape != nil {
		d.Limits.Records, d.Bytes = streamBatch, streamBytes
	}
	d.key = d.identify()
	return d, nil
}

func (d *demand) set(name, value string) error {
	p, known := parameters[name]
	switch {
	case !known && strings.Contains(name, "."):
		if d.interest.Overrides[name] = value; len(d.interest.Overrides) > mostOverrides {
			return invalid("more than %d properties", mostOverrides)
		}
		return nil
	case !known:
		return invalid("unknown parameter %q: there are %s, and properties of the consumer, as auto.offset.reset",
			name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
	case d.shape != nil && !p.stream:
		return invalid("%s is of a list, not of a stream: that has max_unacked", name)
	case d.shape == nil && !p.list:
		return invalid("%s is of a stream: ask for one with Accept: text/event-stream or %s", name, ndjsonType)
	}
	if err := p.set(d, value); err != nil {
		return invalid("%s: %v", name, err)
	}
	return nil
}

func (d *demand) setTopics(value string) error {
	if n := strings.Count(value, ",") + 1; n > mostTopics {
		return fmt.Errorf("%d are more than %d", n, mostTopics)
	}
	d.interest.Topics = strings.Split(value, ",")
	for _, name := range d.interest.Topics {
		if !legalTopic(name) {
			return fmt.Errorf("%q is no name of a topic", name)
		}
	}
	slices.Sort(d.interest.Topics)
	d.interest.Topics = slices.Compact(d.interest.Topics)
	return nil
}

func (d *demand) setFormat(value string) (err error) {
	f, known := bulkFormats[value]
	if !known || value == "" {
		err = fmt.Errorf("%q is not one of json, binary, text", value)
	}
	d.format = f
	return err
}

func (d *demand) setAck(value string) error {
	if value != "explicit" && value != "none" {
		return fmt.Errorf("%q is neither explicit nor none", value)
	}
	d.Unacked = value == "none"
	return nil
}

// identify is equal for demands that one lender can serve. No part has a 0.
func (d *demand) identify() string {
	var key strings.Builder
	key.WriteString(d.group)
	for _, name := range d.interest.Topics {
		key.WriteString("\x00" + name)
	}
	for _, name := range slices.Sorted(maps.Keys(d.interest.Overrides)) {
		key.WriteString("\x00" + name + "=" + strings.ReplaceAll(d.interest.Overrides[name], "\x00", ""))
	}
	return key.String()
}

// shapeOf is how a stream is asked for; nil for none.
func shapeOf(h http.Header) *shape {
	for kind := range mediaRanges(h) {
		if s := shapes[kind]; s != nil {
			return s
		}
	}
	return nil
}

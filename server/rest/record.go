package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// records produces the body as one record, or each of its lines when it is NDJSON.
func records(x *exchange) error {
	kind, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	if strings.EqualFold(strings.TrimSpace(kind), ndjsonType) {
		return bulk(x)
	}
	return record(x)
}

// record produces the body as it is. Its key, partition and timestamp are in the query, its headers in the
// request's.
func record(x *exchange) error {
	q, err := x.query("key", "partition", "timestamp", "tombstone", "async")
	if err != nil {
		return err
	}
	out, err := x.envelope(q)
	if err != nil {
		return err
	}
	later, err := flag(q, "async")
	if err != nil {
		return err
	}
	if err := x.contents(q, &out); err != nil {
		return err
	}
	d, err := x.desk()
	if err != nil {
		return err
	}
	defer d.close()
	if later {
		return x.bufferOne(d, out)
	}
	results, err := d.deliver(x.r.Context(), []kafka.Outgoing{out})
	if err != nil {
		return err
	}
	if err := x.impossible(out.Partition, results); err != nil {
		return err
	}
	if failure := results[0].Err; failure != nil {
		return ended(failure)
	}
	x.send(http.StatusOK, appendPlace([]byte(`{"topic":`+strconv.Quote(out.Topic)), &results[0]))
	return nil
}

// bufferOne answers 204 when the record is in memory.
func (x *exchange) bufferOne(d *desk, out kafka.Outgoing) error {
	err := d.hand(x.r.Context(), d.publisher.SendBuffered, &out, time.Now().Add(x.opts.QueueTimeout))
	if err != nil {
		return err
	}
	x.send(http.StatusNoContent, nil)
	return nil
}

// envelope is all of a record but its value.
func (x *exchange) envelope(q url.Values) (kafka.Outgoing, error) {
	name, err := x.topicName()
	out := kafka.Outgoing{Topic: name, Partition: kafka.AnyPartition, Headers: x.kafkaHeaders()}
	if err != nil {
		return out, err
	}
	if q.Has("key") {
		out.Key = []byte(q.Get("key"))
	}
	if q.Has("partition") {
		n, err := jsonscan.Number("partition", []byte(q.Get("partition")), 31)
		if err != nil {
			return out, err
		}
		out.Partition = int32(n)
	}
	if q.Has("timestamp") {
		if out.Timestamp, err = jsonscan.Number("timestamp", []byte(q.Get("timestamp")), 63); err != nil {
			return out, err
		}
	}
	return out, nil
}

// headerPrefix marks the fields that become headers of the record.
const headerPrefix = "X-Kafka-Header-"

// kafkaHeaders are the record's headers, by name and then in their order. HTTP does not tell upper from
// lower case in the names of fields (RFC 9110, 5.1): here all are in lower case.
func (x *exchange) kafkaHeaders() []kafka.Header {
	var headers []kafka.Header
	for field, values := range x.r.Header {
		name, ours := strings.CutPrefix(field, headerPrefix)
		if field == "Idempotency-Key" {
			name, ours = field, true
		}
		for _, value := range values {
			if ours && name != "" {
				headers = append(headers, kafka.Header{Name: strings.ToLower(name), Value: []byte(value)})
			}
		}
	}
	slices.SortStableFunc(headers, func(a, b kafka.Header) int { return strings.Compare(a.Name, b.Name) })
	return headers
}

// contents reads the value, or null when the record is a tombstone.
func (x *exchange) contents(q url.Values, out *kafka.Outgoing) error {
	tombstone, err := flag(q, "tombstone")
	if err != nil {
		return err
	}
	value, err := x.body()
	switch {
	case err != nil:
		return err
	case tombstone && len(value) > 0:
		return invalid("a tombstone has no value, but there is a body")
	case tombstone:
		return nil
	}
	out.Value = value
	return nil
}

// bulk produces every line of the body as a record.
func bulk(x *exchange) error {
	q, err := x.query("format", "partition")
	if err != nil {
		return err
	}
	as, known := bulkFormats[q.Get("format")]
	if !known {
		return invalid("format: %q is not one of json, binary, text", q.Get("format"))
	}
	to, err := x.envelope(q)
	if err != nil {
		return err
	}
	if err := x.decompress(); err != nil {
		return err
	}
	return x.stream(&ndjson{batch{format: as, lent: true, to: to}})
}

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

// recordRoutes are our own ways to produce.
var recordRoutes = []route{
	{http.MethodPost, "/v1/topics/{topic}/records", records},
}

const ndjsonType = "application/x-ndjson"

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

// query reads the parameters of a call of ours; one that it does not know would be a slip of the pen.
func (x *exchange) query(known ...string) (url.Values, error) {
	q, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query is not well formed: %v", err)
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, invalid("unknown parameter %q: there are %s", name, strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, invalid("%s is given more than once", name)
		}
	}
	return q, nil
}

func flag(q url.Values, name string) (bool, error) {
	switch given := q.Get(name); given {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, invalid("%s: %q is neither true nor false", name, given)
	}
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

// ended is the answer for a record that is not written, or may not be.
func ended(e *kafka.ProduceError) *failure {
	f := &failure{code: codeOf(e.Outcome), message: reason(e), outcome: e.Outcome.String(), cause: e.Cause}
	switch e.Outcome {
	case kafka.Rejected:
		f.status = http.StatusUnprocessableEntity
	case kafka.Retry:
		f.status, f.again = http.StatusServiceUnavailable, time.Second
	default:
		f.status = http.StatusGatewayTimeout
	}
	return f
}

// appendPlace ends an object with where a record is.
func appendPlace(b []byte, r *kafka.Result) []byte {
	b = append(b, `,"partition":`...)
	b = appendKnown(b, int64(r.Partition), true)
	b = append(b, `,"offset":`...)
	b = appendKnown(b, r.Offset, true)
	b = append(b, `,"timestamp":`...)
	b = appendKnown(b, r.Timestamp, true)
	return append(b, '}')
}

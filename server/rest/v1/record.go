package v1

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/produce"
)

// records produces the body as one record, or each of its lines if it is NDJSON.
func records(x *exchange.Exchange) error {
	kind, _, _ := strings.Cut(x.R.Header.Get("Content-Type"), ";")
	if strings.EqualFold(strings.TrimSpace(kind), exchange.NDJSONType) {
		return recordLines(x)
	}
	return record(x)
}

// record produces the body as it is. The query has its key, partition and timestamp; the request's header has its
// headers.
func record(x *exchange.Exchange) error {
	q, err := x.Query("key", "partition", "timestamp", "tombstone", "async")
	if err != nil {
		return err
	}
	out, err := readEnvelope(x, q, x.Opts.KeptHeaders)
	if err != nil {
		return err
	}
	later, err := exchange.Flag(q, "async")
	if err != nil {
		return err
	}
	if err := readValue(x, q, &out); err != nil {
		return err
	}
	d, err := produce.NewDelivery(x)
	if err != nil {
		return err
	}
	defer d.Close()
	if later {
		return bufferOne(x, d, out)
	}
	results, err := d.Deliver(x.R.Context(), []kafka.Outgoing{out})
	if err != nil {
		return err
	}
	if err := produce.RejectedWhole(x, out.Partition, results); err != nil {
		return err
	}
	if failure := results[0].Err; failure != nil {
		return exchange.NotWritten(failure)
	}
	x.Send(http.StatusOK, produce.AppendPosition([]byte(`{"topic":`+strconv.Quote(out.Topic)), &results[0]))
	return nil
}

// bufferOne answers 204 when the record is in memory.
func bufferOne(x *exchange.Exchange, d *produce.Delivery, out kafka.Outgoing) error {
	err := d.Enqueue(x.R.Context(), d.Publisher.SendBuffered, &out, time.Now().Add(x.Opts.QueueTimeout))
	if err != nil {
		return err
	}
	x.Send(http.StatusNoContent, nil)
	return nil
}

// readEnvelope returns a record without its value. Its headers include the kept fields.
func readEnvelope(x *exchange.Exchange, q url.Values, kept []string) (kafka.Outgoing, error) {
	name, err := x.TopicName()
	out := kafka.Outgoing{Topic: name, Partition: kafka.AnyPartition, Headers: recordHeaders(x.R.Header, kept)}
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

// readValue reads the value; it stays null if the record is a tombstone.
func readValue(x *exchange.Exchange, q url.Values, out *kafka.Outgoing) error {
	tombstone, err := exchange.Flag(q, "tombstone")
	if err != nil {
		return err
	}
	value, err := x.Body()
	switch {
	case err != nil:
		return err
	case tombstone && len(value) > 0:
		return exchange.Invalid("a tombstone has no value, but there is a body")
	case tombstone:
		return nil
	}
	out.Value = value
	return nil
}

// recordLines produces every line of the body as a record.
func recordLines(x *exchange.Exchange) error {
	q, err := x.Query("format", "partition")
	if err != nil {
		return err
	}
	as, known := recordjson.ByName[q.Get("format")]
	if !known {
		return exchange.Invalid("format: %q is not one of json, binary, text", q.Get("format"))
	}
	to, err := readEnvelope(x, q, nil)
	if err != nil {
		return err
	}
	if err := x.Decompress(); err != nil {
		return err
	}
	return produce.Stream(x, &ndjsonCodec{recordjson.Parser{Format: as, Lent: true, To: to}})
}

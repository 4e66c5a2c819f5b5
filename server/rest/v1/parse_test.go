package v1

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/failurejson"
	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/recordjson"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

func FuzzSettlements(f *testing.F) {
	good := "AAAAAQAAAAIAAAAAAAAAAw"
	f.Add([]byte(`{"ack":["` + good + `"],"release":[{"lease":"` + good + `","delay_ms":1}]}`))
	f.Add([]byte(`{"renew":[{"lease":"` + good + `","ack_timeout_ms":1000}],"reject":[]}`))
	f.Add([]byte(`{"ack":[{"topic":"t","lease":null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := parseAcks(body)
		if err != nil {
			if f := exchange.AsFailure(err); f.Status < 400 || f.Status >= 500 || f.Message == "" {
				t.Fatalf("%q: %d %s", body, f.Status, f.Message)
			}
			return
		}
		for _, s := range list {
			back, ok := lender.ParseID(s.Lease.Append(nil))
			if !ok || back != s.Lease || s.Span < kafka.ByPolicy || s.Span > failurejson.LongestDelay || len(s.Failure.Class) > 256 {
				t.Fatalf("%q: %+v", body, s)
			}
		}
	})
}

// FuzzDemand reads arbitrary parameters. They must be refused with 422, or be within their bounds.
func FuzzDemand(f *testing.F) {
	f.Add("billing", "topics=orders,blobs&max=3&wait=5s&ack_timeout=60s&auto.offset.reset=latest", "")
	f.Add("a b", "topics=orders&max_unacked=10000&ack=none&format=text", "text/event-stream;q=1, */*")
	f.Add("\x00", "topics=%00&max=99999999999999999999&%zz", exchange.NDJSONType)
	f.Fuzz(func(t *testing.T, group, query, accept string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Accept": {accept}}}
		r.SetPathValue("group", group)
		d, err := readTakeParams(&exchange.Exchange{R: r})
		if err != nil {
			if f := exchange.AsFailure(err); f.Status != 422 || f.Message == "" {
				t.Fatalf("%q %q: %d %s", group, query, f.Status, f.Message)
			}
			return
		}
		bounded := len(d.group) <= 249 && len(d.interest.Topics) <= 100 && len(d.interest.Overrides) <= 20 &&
			0 < d.Limits.Records && d.Limits.Records <= 1000 && 0 < d.Bytes && d.Bytes <= 16<<20 && 0 <= d.wait && d.wait <= time.Minute &&
			time.Second <= d.Timeout && d.Timeout <= 12*time.Hour && 0 < d.quota && d.quota <= 10_000
		if !bounded || len(d.interest.Topics) == 0 {
			t.Fatalf("%q: %+v", query, d)
		}
		for _, name := range d.interest.Topics {
			if !kafka.ValidTopic(name) {
				t.Fatalf("%q", name)
			}
		}
	})
}

func TestARecordIsLentWithoutGarbage(t *testing.T) {
	id, _ := lender.ParseID([]byte("AAAAAQAAAAIAAAAAAAAAAw"))
	p := &lender.Batch{Leases: []lender.ID{id}, Records: []kafka.Delivery{{Attempt: 1, Record: kafka.Record{
		TopicPartition: kafka.TopicPartition{Topic: "orders"}, Key: []byte(`"k"`), Value: []byte(`{"n":1}`), Timestamp: 1,
	}}}}
	out := make([]byte, 0, 1024)
	for kind, shape := range streamFormats {
		if n := testing.AllocsPerRun(100, func() { shape.record(out, p, 0, recordjson.JSON) }); n != 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
	}
}

func TestALenderThatEndedIsAFailureOfTheMoment(t *testing.T) {
	t.Parallel()
	f := exchange.AsFailure(lenderError(lender.ErrEnded))
	if f.Status != 503 || f.Code != exchange.CodeRetry || f.Again == 0 || !strings.Contains(f.Message, "consumer failed") {
		t.Errorf("%+v", f)
	}
}

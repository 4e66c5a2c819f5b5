package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The trace context of an application, as its client library sends it, and the id of its trace.
const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + traceID + "-b7ad6b7169203331-01"
	tracestate  = "congo=t61rcWkgMzE"
	baggage     = "userId=alice,isProduction=false"
)

// doors is a sluice with both doors open, and a topic.
type doors struct {
	*harness.Sluice

	t   *testing.T
	ctx context.Context //nolint:containedctx // of the test
}

func openDoors(t *testing.T, more ...string) *doors {
	t.Helper()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, k.Admin, "orders", 1)
	return &doors{start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), HTTP: harnesstest.FreeAddr(t), Args: more}), t, ctx}
}

// posts sends a request with the trace context of its client, and with more fields.
func (d *doors) posts(path, kind, body string, fields ...string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.ctx, http.MethodPost, "http://"+d.HTTP+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Traceparent", traceparent)
	request.Header.Set("Tracestate", tracestate)
	request.Header.Set("Baggage", baggage)
	for i := 0; i < len(fields); i += 2 {
		request.Header.Set(fields[i], fields[i+1])
	}
	d.answer(request)
}

func (d *doors) answer(request *http.Request) []byte {
	d.t.Helper()
	response, err := fresh().Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		d.t.Fatalf("%s: %s, %v\n%s", request.URL, response.Status, err, text)
	}
	return text
}

// takes reads the headers of the next n records of a group over HTTP: names and values, one behind the other.
func (d *doors) takes(group string, n int) (headers [][]string) {
	d.t.Helper()
	for len(headers) < n {
		url := fmt.Sprintf("http://%s/v1/groups/%s/messages?topics=orders&wait=5s", d.HTTP, group)
		request, err := http.NewRequestWithContext(d.ctx, http.MethodGet, url, nil)
		if err != nil {
			d.t.Fatal(err)
		}
		var records []struct {
			Headers []struct {
				Key   string
				Value []byte
			}
		}
		if err := json.Unmarshal(d.answer(request), &records); err != nil {
			d.t.Fatal(err)
		}
		for _, r := range records {
			list := []string{}
			for _, h := range r.Headers {
				list = append(list, h.Key, string(h.Value))
			}
			headers = append(headers, list)
		}
	}
	return headers
}

// pops reads the same over the Redis protocol.
func (d *doors) pops(group string, n int) (headers [][]string) {
	d.t.Helper()
	c := connect(d.t, d.ctx, d.Addr, group+":w")
	for range n {
		reply, err := c.do("BLPOP", `topics:orders:{"sluice.reply":"full"}`, "20")
		record, is := reply.([]any)
		if err != nil || !is {
			d.t.Fatalf("BLPOP: %v, %v", reply, err)
		}
		list := []string{}
		for _, part := range record[slices.Index(record, any("headers"))+1].([]any) {
			list = append(list, part.(string))
		}
		headers = append(headers, list)
	}
	return headers
}

// What one door writes, the other gives: in order, of any bytes, and those that are repeated.
func TestHeadersPassThroughBothDoors(t *testing.T) {
	t.Parallel()
	d := openDoors(t)
	c := connect(t, d.ctx, d.Addr, "")
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	for _, fields := range [][]string{
		{"traceparent", traceparent, "tracestate", tracestate, "baggage", baggage},
		{"z", "1", "a", string(binary), "z", "", "Z", "2"},
	} {
		id, err := c.do(append([]string{"XADD", "orders", "*", "value", "v"}, fields...)...)
		if text, is := id.(string); !is || err != nil || !strings.Contains(text, "-") {
			t.Fatalf("XADD: %v, %v", id, err)
		}
	}
	traced := []string{"baggage", baggage, "traceparent", traceparent, "tracestate", tracestate}
	d.posts("/v1/topics/orders/records", "text/plain", "x")
	d.posts("/v1/topics/orders/records", "text/plain", "x", "X-Kafka-Header-Traceparent", "own", "X-Kafka-Header-A", "b")
	d.posts("/v1/topics/orders/records", "application/x-ndjson", `{"value":1}`+"\n"+`{"value":2,"headers":[{"key":"a","value":"Yg=="}]}`)
	d.posts("/topics/orders", "application/vnd.kafka.json.v2+json", `{"records":[{"value":1},{"value":2}]}`)
	d.posts("/v3/clusters/"+d.cluster()+"/topics/orders/records", "application/json",
		`{"value":{"type":"JSON","data":1}}{"value":{"type":"JSON","data":2},"headers":[{"name":"a","value":"Yg=="}]}{"headers":null}`)
	want := [][]string{
		{"traceparent", traceparent, "tracestate", tracestate, "baggage", baggage},
		{"z", "1", "a", string(binary), "z", "", "Z", "2"},
		traced,
		{"a", "b", "baggage", baggage, "traceparent", "own", "tracestate", tracestate},
		traced,
		{"a", "b"},
		traced,
		traced,
		traced,
		{"a", "b"},
		{},
	}
	if diff := cmp.Diff(want, d.pops("redis", len(want))); diff != "" {
		t.Errorf("over the Redis protocol: %s", diff)
	}
	if diff := cmp.Diff(want, d.takes("http", len(want))); diff != "" {
		t.Errorf("over HTTP: %s", diff)
	}
}

// cluster is the id of the Kafka cluster.
func (d *doors) cluster() string {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.ctx, http.MethodGet, "http://"+d.HTTP+"/v3/clusters", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	var list struct {
		Data []struct {
			ID string `json:"cluster_id"`
		}
	}
	if err := json.Unmarshal(d.answer(request), &list); err != nil || len(list.Data) != 1 {
		d.t.Fatalf("%+v, %v", list, err)
	}
	return list.Data[0].ID
}

// The line about a record that stands has the id of its trace.
func TestTheTraceStandsInTheLog(t *testing.T) {
	t.Parallel()
	d := openDoors(t, "--config", harnesstest.Config(t, "consume: {stall_after: 1s, lag_interval: 1s}"))
	if _, err := connect(t, d.ctx, d.Addr, "").do("XADD", "orders", "*", "value", "v", "traceparent", traceparent); err != nil {
		t.Fatal(err)
	}
	d.pops("stuck", 1)
	harnesstest.Until(t, d.ctx, func(context.Context) error {
		for line := range strings.Lines(d.Output()) {
			if strings.Contains(line, "record stands") && strings.Contains(line, "orders:0:0") && strings.Contains(line, "trace="+traceID) {
				return nil
			}
		}
		return errors.New("no line has the trace")
	})
}

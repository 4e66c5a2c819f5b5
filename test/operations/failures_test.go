package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// poisoned is a sluice with both doors whose policy tries records three times more, and a topic with one record that nobody can
// process.
type poisoned struct {
	doors

	admin *harness.Admin
}

func openPoisoned(t *testing.T) *poisoned {
	t.Helper()
	ctx := harnesstest.Within(t, 2*time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, k.Admin, "orders", 1)
	config := harnesstest.Config(t, `groups: {billing: {topics: {orders: {max_retries: 3, backoff: 20ms, dead_letter: {}}}}}`)
	s := start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), HTTP: harnesstest.FreeAddr(t), Args: []string{"--config", config}})
	p := &poisoned{doors{s, t, ctx}, k.Admin}
	if _, err := connect(t, ctx, s.Addr, "").do("XADD", "orders", "*", "value", "poison", "key", "c-17", "traceparent", traceparent); err != nil {
		t.Fatal(err)
	}
	return p
}

// givenUp waits until the group has settled the record, and checks its dead letter.
func (p *poisoned) givenUp(want map[string]string) {
	p.t.Helper()
	harnesstest.Until(p.t, p.ctx, func(ctx context.Context) error {
		at, err := p.admin.Committed(ctx, "billing", "orders", 0)
		if err == nil && at != 1 {
			err = fmt.Errorf("committed is %d", at)
		}
		return err
	})
	c := connect(p.t, p.ctx, p.Addr, "support:w")
	reply, err := c.do("BLPOP", `topics:dlq.orders.billing:{"sluice.reply":"full"}`, "20")
	record, is := reply.([]any)
	if err != nil || !is || len(record) != 16 {
		p.t.Fatalf("BLPOP of the dead letters: %v, %v", reply, err)
	}
	if record[7] != "poison" || record[9] != "c-17" || record[15] != int64(1) {
		p.t.Errorf("the dead letter is %v", record)
	}
	got, headers := map[string]string{}, record[13].([]any)
	for i := 0; i+1 < len(headers); i += 2 {
		name, value := headers[i].(string), headers[i+1].(string)
		if _, asked := want[name]; asked {
			got[name] = value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("headers of the dead letter: %s", diff)
	}
}

// A worker on the Redis port reports four failures: the record is a dead letter with the last one, and the group goes on.
func TestAPoisonRecordOverTheRedisPort(t *testing.T) {
	t.Parallel()
	p := openPoisoned(t)
	c := connect(t, p.ctx, p.Addr, "billing:w")
	for attempt := 1; attempt <= 4; attempt++ {
		reply, err := c.do("BLPOP", `topics:orders:{"sluice.reply":"full"}`, "20")
		record, is := reply.([]any)
		if err != nil || !is || record[15] != int64(attempt) {
			t.Fatalf("attempt %d: %v, %v", attempt, reply, err)
		}
		why := fmt.Sprintf(`{"class":"Deadlock","message":"try %d","backtrace":"billing.rb:7"}`, attempt)
		if n, err := c.do("RPUSH", "releases", "orders:0:0", why); err != nil || n != int64(1) {
			t.Fatalf("releases: %v, %v", n, err)
		}
	}
	p.givenUp(map[string]string{
		"traceparent": traceparent, "__dlq.errors.topic": "orders", "__dlq.errors.partition": "0", "__dlq.errors.offset": "0",
		"__dlq.errors.group": "billing", "__dlq.errors.delivery.count": "4", "__dlq.errors.message": "try 4", "source_trace_id": traceID,
		"dlq-reason": "retries_exhausted", "dlq-error-class": "Deadlock", "dlq-error-backtrace": "billing.rb:7", "dlq-client": "w",
	})
}

// A worker over HTTP never answers: each lease that ends is an attempt.
func TestAPoisonRecordWhoseLeasesEnd(t *testing.T) {
	t.Parallel()
	p := openPoisoned(t)
	url := fmt.Sprintf("http://%s/v1/groups/billing/messages?topics=orders&wait=20s&ack_timeout=1s", p.HTTP)
	for attempt := 1; attempt <= 4; attempt++ {
		request, err := http.NewRequestWithContext(p.ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct{ Offset, Delivery int }
		text := p.answer(request)
		if err := json.Unmarshal(text, &list); err != nil || len(list) != 1 || list[0].Delivery != attempt {
			t.Fatalf("attempt %d: %s, %v", attempt, text, err)
		}
	}
	p.givenUp(map[string]string{
		"traceparent": traceparent, "source_attempts": "4", "dlq-reason": "lease_expired", "dlq-error-class": "LeaseExpired",
		"__dlq.errors.message": "not settled within 1s",
	})
	for line := range strings.Lines(p.Output()) {
		if strings.Contains(line, "record given up") && strings.Contains(line, "orders:0:0") && strings.Contains(line, "trace="+traceID) {
			return
		}
	}
	t.Errorf("no line about it:\n%s", p.Output())
}

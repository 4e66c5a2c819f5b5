//go:build kafka

package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// failingConfig tries orders for as long as the story takes, and returns three times.
var failingConfig = []string{
	"groups:",
	"  billing:",
	"    topics:",
	"      orders: {dispatch: keyed, max_retries: 1000, backoff: 100ms, max_backoff: 500ms, max_deliveries: 8, lease: 3s, dead_letter: {}, breaker: {failures: 5, probe: 300ms}}",
	"      returns: {dispatch: keyed, max_retries: 2, backoff: 100ms, lease: 3s, dead_letter: {topic: returns_dlq}}",
	"kafka: {consumer: {session.timeout.ms: 2000, heartbeat.interval.ms: 300}}",
}

// An application books orders in an old SQL server that stalls, has deadlocks and refuses some, while workers and a sluice are
// killed. Each order is booked once, or is a dead letter that says why. A customer who cannot be served for a while keeps nobody
// else's orders back.
func TestAnOldDatabaseGetsEveryOrderOnce(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	db := openLegacy(t, ctx)
	c := startCluster(t, ctx, 1)
	harnesstest.Topic(t, ctx, c.Admin, "orders", 3)
	harnesstest.Topic(t, ctx, c.Admin, "returns", 1)
	first, second := c.proxy(t, ctx, failingConfig...), c.proxy(t, ctx, failingConfig...)
	s := &sales{producer: member(t, second, ""), next: map[string]int{}}
	s.sell(t, ctx, 10)
	workers := []*legacyWorker{
		db.worker(t, "resp", first.Addr, "worker-1"), db.worker(t, "resp", second.Addr, "worker-2"),
		db.worker(t, "resp", second.Addr, "worker-3"), db.worker(t, "http", first.HTTP, "worker-4"),
	}
	frozen := s.othersGoOn(t, ctx, db, c)

	thaw := db.stall(t, ctx)
	s.sell(t, ctx, 3)
	workers[1].killHolding(t, ctx, 4)
	tried := 0
	for _, w := range workers {
		tried = max(tried, w.attempts(frozen))
	}
	again, err := first.Restart(ctx) // kill -9
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	thaw()
	db.run(t, ctx, "thaw", "c-0")

	c.expectCommittedAll(t, ctx, "billing", "orders")
	c.expectCommittedAll(t, ctx, "billing", "returns")
	s.judge(t, ctx, db, c, frozen, tried)
}

// sales are the orders that were produced.
type sales struct {
	producer *redis.Client
	next     map[string]int // of each customer: the number of its next order
	booked   int            // orders that are to be booked in the end, but those of the frozen customer
}

const (
	customers = 20
	trace     = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

// sell produces so many orders of each customer, in turn. Of the first lot, one has a wrong amount, one kills whoever has it, and
// two returns are of a customer who is gone for good.
func (s *sales) sell(t *testing.T, ctx context.Context, each int) {
	t.Helper()
	first := s.booked == 0
	p := s.producer.Pipeline()
	for range each {
		for n := range customers {
			customer := fmt.Sprintf("c-%d", n)
			order := map[string]any{"customer": customer, "seq": s.next[customer], "amount": 1}
			switch seq := s.next[customer]; {
			case first && n == 1 && seq == 5:
				order["amount"] = -1
			case first && n == 2 && seq == 5:
				order["kills"] = true
			case n > 0:
				s.booked++
			}
			s.next[customer]++
			s.order(t, ctx, p, "orders", customer, order)
		}
	}
	for seq := 0; first && seq < 2; seq++ {
		s.order(t, ctx, p, "returns", "gone", map[string]any{"customer": "gone", "seq": seq, "amount": 1})
	}
	if _, err := p.Exec(ctx); err != nil {
		t.Fatal(err)
	}
}

func (s *sales) order(t *testing.T, ctx context.Context, p redis.Pipeliner, topic, customer string, order map[string]any) {
	t.Helper()
	value, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	p.XAdd(ctx, &redis.XAddArgs{Stream: topic, Values: []any{"value", value, "key", customer, "traceparent", trace}})
}

// othersGoOn waits until everything is done but the orders of the frozen customer. It returns the first of these.
func (s *sales) othersGoOn(t *testing.T, ctx context.Context, db *legacy, c *cluster) (frozen string) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		if n := len(db.bookings(t, ctx)); n != s.booked {
			return fmt.Errorf("%d of %d orders are booked", n, s.booked)
		}
		orders, returns := lettersIn(ctx, c, "dlq.orders.billing"), lettersIn(ctx, c, "returns_dlq")
		if len(orders) < 2 || len(returns) < 2 {
			return fmt.Errorf("there are %d and %d dead letters", len(orders), len(returns))
		}
		return nil
	})
	for _, r := range recordsOf(t, ctx, c, "orders") {
		if string(r.Key) == "c-0" {
			return placeOf(r)
		}
	}
	t.Fatal("the frozen customer has no order")
	return ""
}

// judge says what became of each record.
func (s *sales) judge(t *testing.T, ctx context.Context, db *legacy, c *cluster, frozen string, tried int) {
	t.Helper()
	booked := map[string]bool{}
	last := map[string]int{}
	for _, b := range db.bookings(t, ctx) {
		booked[b.ID] = true // the database has each id once
		if before, is := last[b.Customer]; is && b.Seq <= before {
			t.Errorf("order %d of %s was booked after order %d", b.Seq, b.Customer, before)
		}
		last[b.Customer] = b.Seq
		if b.ID == frozen && b.Attempt < tried {
			t.Errorf("%s was booked at attempt %d, after attempt %d", frozen, b.Attempt, tried)
		}
	}
	letters := lettersIn(ctx, c, "dlq.orders.billing")
	for place, l := range lettersIn(ctx, c, "returns_dlq") {
		letters[place] = l
	}
	t.Logf("%d orders are booked, %d are dead letters; the frozen customer's first was tried %d times before the kills", len(booked), len(letters), tried)
	for _, topic := range []string{"orders", "returns"} {
		for _, r := range recordsOf(t, ctx, c, topic) {
			place := placeOf(r)
			letter := letters[place]
			if booked[place] == (letter != nil) {
				t.Errorf("%s is booked: %v, and a dead letter: %v", place, booked[place], letter != nil)
			}
			if letter != nil {
				tells(t, r, letter)
			}
		}
	}
	if want := 4; len(letters) != want {
		t.Errorf("%d dead letters, want %d", len(letters), want)
	}
}

// tells checks that a dead letter has all of its record, and why it was given up.
func tells(t *testing.T, source, letter *kgo.Record) {
	t.Helper()
	said := headersOf(letter)
	value := string(source.Value)
	if string(letter.Key) != string(source.Key) || string(letter.Value) != value || said["traceparent"] != trace {
		t.Errorf("the dead letter of %s has other key, value or headers: %v", placeOf(source), said)
	}
	why := map[string]string{"dlq-reason": "retries_exhausted", "dlq-error-class": "SQLITE_CONSTRAINT_TRIGGER", "__dlq.errors.message": "customer is frozen", "__dlq.errors.delivery.count": "3"}
	switch {
	case said["dlq-error-class"] == "SQLITE_BUSY" && source.Topic == "returns": // another worker had the database at the last attempt
		why["dlq-error-class"], why["__dlq.errors.message"] = "SQLITE_BUSY", "database is locked"
	case strings.Contains(value, "kills"):
		why = map[string]string{"dlq-reason": "crash_loop", "dlq-error-class": "CrashLoop"}
	case source.Topic == "orders":
		why = map[string]string{"dlq-reason": "rejected", "dlq-error-class": "SQLITE_CONSTRAINT_CHECK", "__dlq.errors.message": "CHECK constraint failed"}
		if !strings.Contains(said["dlq-error-backtrace"], "in book") {
			t.Errorf("the backtrace of %s is %q", placeOf(source), said["dlq-error-backtrace"])
		}
	}
	for name, want := range why {
		if !strings.Contains(said[name], want) {
			t.Errorf("%s of the dead letter of %s is %q, want %q", name, placeOf(source), said[name], want)
		}
	}
}

// lettersIn are the dead letters in a topic by the place of their source. A kill may have made two of one.
func lettersIn(ctx context.Context, c *cluster, topic string) map[string]*kgo.Record {
	all := map[string]*kgo.Record{}
	records, _ := c.Admin.Records(ctx, topic) // it may not exist yet
	for _, r := range records {
		h := headersOf(r)
		all[h["__dlq.errors.topic"]+":"+h["__dlq.errors.partition"]+":"+h["__dlq.errors.offset"]] = r
	}
	return all
}

func headersOf(r *kgo.Record) map[string]string {
	all := map[string]string{}
	for _, h := range r.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

func recordsOf(t *testing.T, ctx context.Context, c *cluster, topic string) []*kgo.Record {
	t.Helper()
	records, err := c.Admin.Records(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) == 0 {
		t.Fatal(errors.New(topic + " is empty"))
	}
	return records
}

func placeOf(r *kgo.Record) string { return fmt.Sprintf("%s:%d:%d", r.Topic, r.Partition, r.Offset) }

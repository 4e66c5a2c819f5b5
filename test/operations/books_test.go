package operations

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	letters = "letters" // all goes well
	sour    = "sour"    // the brokers refuse its records
	nowhere = "nowhere" // nobody created it, and nobody will
	other   = "(other)" // where the metrics count what has no series of its own

	booksLoad  = 6 * time.Second
	scrapeGap  = 100 * time.Millisecond
	booksGrace = "500ms"
)

// Whatever clients do, at every moment what was taken is what ended and what is under way, and in the
// end the metrics say what the clients have counted themselves.
func TestTheBooksBalance(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, 2*time.Minute)
	cluster := booksCluster(t, ctx)
	config := harnesstest.Config(t, "consume: {member_grace: "+booksGrace+"}")
	s := start(t, ctx, harness.SluiceOptions{Brokers: cluster.Brokers(), Args: []string{"--config", config}})
	b := &books{addr: s.Addr, counts: map[count]int64{}, had: map[string]*had{}}

	loading, stop := context.WithTimeout(ctx, booksLoad)
	defer stop()
	var clients sync.WaitGroup
	b.produce(t, loading, &clients)
	b.consume(t, loading, &clients)
	done := make(chan struct{})
	go func() {
		clients.Wait()
		close(done)
	}()
	scrapes := watchBooks(t, ctx, s, done)
	if t.Failed() {
		return
	}

	var last *harness.Metrics
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		var err error
		if last, err = s.Scrape(ctx); err != nil {
			return err
		}
		pending, leased := last.Sum("sluice_produce_pending_messages"), last.Sum("sluice_consume_leased_messages")
		if pending+leased > 0 {
			return fmt.Errorf("%v records pending, %v leased", pending, leased)
		}
		return nil
	})
	t.Logf("%d scrapes", scrapes)
	b.compare(t, last)
}

// booksCluster has brokers that create no topics and refuse every record of one.
func booksCluster(t *testing.T, ctx context.Context) *harnesstest.FakeCluster {
	t.Helper()
	c := harnesstest.Fake(t, harness.FakeOptions{NoAutoCreate: true})
	for _, topic := range []string{letters, sour} {
		harnesstest.Topic(t, ctx, c.Admin, topic, 4)
	}
	c.Cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.Cluster.KeepControl()
		produce, _ := request.(*kmsg.ProduceRequest)
		response := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			if topic.Topic != sour {
				return nil, nil, false
			}
			answered := kmsg.NewProduceResponseTopic()
			answered.Topic = topic.Topic
			for _, p := range topic.Partitions {
				one := kmsg.NewProduceResponseTopicPartition()
				one.Partition, one.ErrorCode = p.Partition, kerr.InvalidRecord.Code
				answered.Partitions = append(answered.Partitions, one)
			}
			response.Topics = append(response.Topics, answered)
		}
		return response, nil, true
	})
	return c
}

// watchBooks scrapes until the clients are done, and checks each scrape by itself and against the one
// before. It returns how many there were.
func watchBooks(t *testing.T, ctx context.Context, s *harness.Sluice, done <-chan struct{}) (scrapes int) {
	t.Helper()
	var before map[string]float64
	tick := time.NewTicker(scrapeGap)
	defer tick.Stop()
	for !t.Failed() {
		m := harnesstest.Scrape(t, ctx, s)
		scrapes++
		balanced(t, m)
		before = forward(t, before, m)
		select {
		case <-done:
			return scrapes
		case <-tick.C:
		}
	}
	return scrapes
}

// balanced checks one scrape.
func balanced(t *testing.T, m *harness.Metrics) {
	t.Helper()
	for _, topic := range m.Values("sluice_produce_accepted_messages_total", "topic") {
		accepted := m.Sum("sluice_produce_accepted_messages_total", "topic", topic)
		ended := m.Sum("sluice_produce_messages_total", "topic", topic)
		pending := m.Sum("sluice_produce_pending_messages", "topic", topic)
		if accepted != ended+pending || pending < 0 {
			t.Errorf("topic %s: accepted %v, ended %v, pending %v", topic, accepted, ended, pending)
		}
	}
	for _, group := range m.Values("sluice_consume_lent_messages_total", "group") {
		of := func(what string) float64 { return m.Sum("sluice_consume_"+what, "group", group) }
		lent, accepted, released, rejected := of("lent_messages_total"), of("accepted_messages_total"), of("released_messages_total"), of("rejected_messages_total")
		leased := of("leased_messages")
		if lent != accepted+released+rejected+leased || leased < 0 {
			t.Errorf("group %s: lent %v, accepted %v, released %v, rejected %v, leased %v", group, lent, accepted, released, rejected, leased)
		}
	}
}

// forward checks that no counter went backwards or away, and returns where the counters are.
func forward(t *testing.T, before map[string]float64, m *harness.Metrics) map[string]float64 {
	t.Helper()
	now := map[string]float64{}
	for i := range m.Series {
		if one := &m.Series[i]; m.Counts(one) {
			now[one.ID] = one.Value
		}
	}
	for id, value := range before {
		if at, found := now[id]; !found || at < value {
			t.Errorf("%s went from %v to %v, there: %v", id, value, at, found)
		}
	}
	return now
}

// count names a number that clients keep: what happened, in which topic or group.
type count struct{ what, where string }

// books are what all clients count together.
type books struct {
	addr string
	had  map[string]*had // by group; filled before the clients run

	mu     sync.Mutex // guards what follows
	counts map[count]int64
}

func (b *books) add(what, where string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[count{what, where}] += n
}

// countedBy says which series a count must come to.
var countedBy = map[string]struct {
	metric, label string
	labels        []string
}{
	"taken":    {"sluice_produce_accepted_messages_total", "topic", nil},
	"ok":       {"sluice_produce_messages_total", "topic", []string{"result", "ok"}},
	"failed":   {"sluice_produce_messages_total", "topic", []string{"result", "rejected"}},
	"received": {"sluice_consume_lent_messages_total", "group", nil},
	"acked":    {"sluice_consume_accepted_messages_total", "group", nil},
	"returned": {"sluice_consume_released_messages_total", "group", nil},
	"again":    {"sluice_consume_redelivered_messages_total", "group", nil},
	"late":     {"sluice_consume_stale_settlements_total", "group", nil},
}

// compare holds the metrics against what the clients counted.
func (b *books) compare(t *testing.T, m *harness.Metrics) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for c, want := range b.counts {
		by := countedBy[c.what]
		got := m.Sum(by.metric, append([]string{by.label, c.where}, by.labels...)...)
		t.Logf("%-8s %-8s %v", c.where, c.what, want)
		if int64(got) != want {
			t.Errorf("%s: clients counted %d %s, %s says %v", c.where, want, c.what, by.metric, got)
		}
	}
	for what, min := range map[count]int64{
		{"taken", letters}: 100, {"taken", sour}: 3, {"taken", other}: 1, {"received", "app"}: 100, {"again", "app"}: 1,
		{"late", "app"}: 1, {"received", "batch"}: 100, {"again", "moody"}: 10, {"returned", "moody"}: 10,
	} {
		if got := b.counts[what]; got < min {
			t.Errorf("only %d %s in %s: the test has not tried what it is about", got, what.what, what.where)
		}
	}
	results := m.Values("sluice_produce_messages_total", "result")
	slices.Sort(results)
	if want := []string{"ok", "rejected", "retry", "unknown"}; !slices.Equal(results, want) {
		t.Errorf("results are %q, want %q", results, want)
	}
}

// play runs a client until its story ends, at the latest with ctx; that it could not be told is a failure,
// that the proxy answered an error is the story's to judge.
func (b *books) play(t *testing.T, ctx context.Context, all *sync.WaitGroup, what string, story func(context.Context) error) {
	all.Go(func() {
		err := story(ctx)
		// A dial tells the end of ctx as a deadline of its own, perhaps before ctx does.
		end, ends := ctx.Deadline()
		over := ctx.Err() != nil || ends && !time.Now().Before(end)
		if errors.Is(err, context.DeadlineExceeded) || over && errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	})
}

package producer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// wantProduced compares what was produced. The row that other topics share is left out when it is empty.
func wantProduced(t *testing.T, ps *Producers, want ...TopicCounts) {
	t.Helper()
	var got []TopicCounts
	for _, r := range ps.Produced() {
		if r.Topic != "" || r.Accepted > 0 {
			got = append(got, r)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was produced (-want +got):\n%s", diff)
	}
}

func TestEveryProducedRecordIsInItsTopicsRow(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters", "parcels", "cards"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.MaxTopicRows = 2 })
	p := newCaller(t, ps)
	for _, topic := range []string{"letters", "parcels", "cards", "letters", "cards"} {
		wantOutcome(t, p.deliver(t, topic, []byte("four")), record.OK)
	}
	wantOutcome(t, p.deliver(t, "nowhere", []byte("four")), record.Rejected)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.InvalidRecord})
	if err := p.Deliver([]byte("parcels"), []byte("key"), []byte("four")); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.outcomes(t, 1), record.Rejected)
	wantProduced(t, ps,
		TopicCounts{Topic: "", Accepted: 3, Bytes: 12, Ended: [4]int64{record.OK: 2, record.Rejected: 1}},
		TopicCounts{Topic: "letters", Accepted: 2, Bytes: 8, Ended: [4]int64{record.OK: 2}},
		TopicCounts{Topic: "parcels", Accepted: 2, Bytes: 11, Ended: [4]int64{record.OK: 1, record.Rejected: 1}},
	)
	allEnded(t, ps, 7)
}

// A row that is full stays so: what was counted among the others ends there, whatever becomes of the bound.
func TestATopicKeepsItsRow(t *testing.T) {
	t.Parallel()
	b := newCounterTable(1)
	own, other := b.admit("a", 1).row, b.admit("b", 1).row
	if own == b.others || other != b.others {
		t.Fatalf("rows %p and %p, the others' is %p", own, other, b.others)
	}
	if b.admit("b", 2).row != other || b.of("b").row != other || b.of("a").row != own {
		t.Error("a topic moved to another row")
	}
	if third := b.admit("c", 2); third.row == b.others {
		t.Error("no row for the second of two topics")
	}
}

func TestARecordAtTheGateIsHeldAndInFlight(t *testing.T) {
	t.Parallel()
	ps := openOn(t, []string{"127.0.0.1:1"}, nil)
	bufferThree(t, ps)
	for _, p := range ps.Status() {
		want := map[string]int64{config.Buffered: 3}[p.Name]
		if p.Held != want || p.InFlight != want {
			t.Errorf("%s: %d held, %d in flight, want %d", p.Name, p.Held, p.InFlight, want)
		}
	}
	wantProduced(t, ps)
	wantUndelivered(t, ps)
	wantProduced(t, ps, TopicCounts{Accepted: 3, Bytes: 3, Ended: [4]int64{record.Retry: 3}})
}

func TestInFlightIsByProfile(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	kafkatest.Mute(k)
	bufferThree(t, ps)
	defer func() { _, _ = shut(ps, time.Second) }()
	for _, p := range ps.Status() {
		if want := map[string]int64{config.Buffered: 3}[p.Name]; p.InFlight != want || p.Held != 0 {
			t.Errorf("%s: %d in flight, %d held, want %d and none", p.Name, p.InFlight, p.Held, want)
		}
		if want := map[string]uint64{config.Delivered: 1}[p.Name]; p.AckLatency.Count != want {
			t.Errorf("%s: the time of %d records is known, want %d", p.Name, p.AckLatency.Count, want)
		}
	}
}

// What is read while records come and go must add up, and never go back.
func TestTheBooksNeverGoBack(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters", "parcels"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.MaxTopicRows = 1 })
	const n = 20_000
	done := make(chan error, 2)
	for i := range 2 {
		p := newCaller(t, ps)
		go func() { done <- bufferMany(p, []string{"letters", "parcels"}[i], n) }()
	}
	before := map[string]TopicCounts{}
	for running := 2; running > 0; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running--
		default:
		}
		for _, r := range ps.Produced() {
			b := before[r.Topic]
			if r.Pending() < 0 || r.Accepted < b.Accepted || r.Bytes < b.Bytes || r.Ended[record.OK] < b.Ended[record.OK] {
				t.Fatalf("after %+v came %+v", b, r)
			}
			before[r.Topic] = r
		}
	}
	kafkatest.Eventually(t, "all reports", func() bool { return ps.Counts().Pending == 0 })
	allEnded(t, ps, 2*n)
	for _, p := range ps.Status() {
		if want := map[string]uint64{config.Buffered: 2 * n}[p.Name]; p.AckLatency.Count != want {
			t.Errorf("%s: the time of %d records is counted, want %d", p.Name, p.AckLatency.Count, want)
		}
	}
}

func bufferMany(p *caller, topic string, n int) error {
	for range n {
		for !p.Room() {
			select {
			case <-p.woken:
			case <-time.After(kafkatest.Patience):
				return fmt.Errorf("no room: %d pending", p.Pending())
			}
		}
		err := p.Buffer([]byte(topic), nil, []byte("a record"))
		for errors.Is(err, kerr.ErrFull) { // as sessions do
			err = p.Buffer([]byte(topic), nil, []byte("a record"))
		}
		if err != nil {
			return err
		}
	}
	p.Push()
	return nil
}

package producer

import (
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// unopened is a publisher of producers that were not opened. Tests make up its reports.
func unopened(t interface{ Fatal(...any) }, ps *Producers, wake func()) *Publisher {
	p, err := ps.Publisher(wake)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// bufferedReport is the report of a buffered record.
func bufferedReport(p *Publisher) *librdkafka.Report { return &librdkafka.Report{Opaque: p.opaque(0)} }

// configured are producers that were not opened, whose sessions may have so many records in flight.
func configured(inFlight int) *Producers {
	ps := &Producers{settings: &atomic.Pointer[config.Config]{}}
	ps.settings.Store(&config.Config{Produce: config.Produce{InFlight: inFlight}})
	return ps
}

// publisherWalk drives a publisher's ring and, beside it, a plain list.
type publisherWalk struct {
	p        *Publisher
	tracked  []*sent // not taken yet, in order
	inFlight []*sent // without a report, the forgotten ones included
	pending  int
	failed   int
	reports  int64
	asked    int // how many the last Take wanted in vain, 0 for none
}

type sent struct {
	sequence uint32
	done     bool
	failure  *Error
	place    recordPosition
}

func newPublisherWalk(t *rapid.T, from uint32) *publisherWalk {
	p := unopened(t, configured(10), func() {})
	p.ring.first, p.ring.next, p.ring.done = from, from, from
	return &publisherWalk{p: p}
}

func (w *publisherWalk) Deliver(t *rapid.T) {
	for range rapid.IntRange(1, 30).Draw(t, "records") {
		w.p.pending.Add(1)
		s := &sent{sequence: w.p.track(), place: recordPosition{AnyPartition, -1, -1}}
		w.tracked, w.inFlight = append(w.tracked, s), append(w.inFlight, s)
		w.pending++
	}
}

// PartitionOffset makes the records that are not reported yet tell their place from now on.
func (w *publisherWalk) Place(*rapid.T) { w.p.keepPositions() }

// Refuse is a Deliver that librdkafka did not take.
func (w *publisherWalk) Refuse(*rapid.T) { w.p.track(); w.p.untrack() }

func (w *publisherWalk) Buffer(t *rapid.T) {
	w.p.pending.Add(1)
	failure := rapid.SampledFrom([]*Error{nil, {Outcome: record.Retry}}).Draw(t, "failure")
	if failure != nil {
		w.failed++
	}
	if w.p.report(bufferedReport(w.p), failure, 1) {
		t.Fatal("a buffered record woke a session that waits for none")
	}
}

// Report ends any record that is in flight.
func (w *publisherWalk) Report(t *rapid.T) {
	if len(w.inFlight) == 0 {
		t.Skip("nothing in flight")
	}
	i := rapid.IntRange(0, len(w.inFlight)-1).Draw(t, "record")
	s := w.inFlight[i]
	w.inFlight = slices.Delete(w.inFlight, i, i+1)
	s.done = true
	s.failure = rapid.SampledFrom([]*Error{nil, {Outcome: record.Rejected}, {Outcome: record.Unknown}}).Draw(t, "failure")
	w.pending--
	w.reports++
	report := librdkafka.Report{
		Opaque: tracked | w.p.opaque(s.sequence), Partition: int32(i), Offset: w.reports, Timestamp: -w.reports,
	}
	if w.p.ring.positions != nil {
		s.place = recordPosition{report.Partition, report.Offset, report.Timestamp}
	}
	woken := w.p.report(&report, s.failure, 1)
	complete := w.asked > 0 && !slices.ContainsFunc(w.tracked[:w.asked], func(s *sent) bool { return !s.done })
	if woken != complete {
		t.Fatalf("woken is %v, the %d awaited outcomes are complete is %v", woken, w.asked, complete)
	}
	if complete {
		w.asked = 0
	}
}

func (w *publisherWalk) Take(t *rapid.T) {
	n := rapid.IntRange(0, len(w.tracked)).Draw(t, "n")
	var first *Error
	complete := true
	for _, s := range w.tracked[:n] {
		complete = complete && s.done
		if first == nil {
			first = s.failure
		}
	}
	failure, ok := w.p.Take(n)
	if ok != complete {
		t.Fatalf("Take(%d) is %v, want %v", n, ok, complete)
	}
	w.asked = 0
	if !ok {
		w.asked = n
		return
	}
	if failure != first {
		t.Fatalf("Take(%d) = %v, want %v", n, failure, first)
	}
	w.tracked = w.tracked[n:]
}

// Results is Take that tells everything.
func (w *publisherWalk) Results(t *rapid.T) {
	n := rapid.IntRange(0, len(w.tracked)).Draw(t, "n")
	want, complete := []Result{{Offset: 42}}, true
	for _, s := range w.tracked[:n] {
		complete = complete && s.done
		want = append(want, Result{s.place.partition, s.place.offset, s.place.timestamp, s.failure})
	}
	got, ok := w.p.Results(n, []Result{{Offset: 42}})
	if ok != complete {
		t.Fatalf("Results(%d) is %v, want %v", n, ok, complete)
	}
	w.asked = 0
	if !ok {
		w.asked, want = n, want[:1]
	} else {
		w.tracked = w.tracked[n:]
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Results(%d) = %v, want %v", n, got, want)
	}
}

func (w *publisherWalk) Forget(t *rapid.T) {
	n := rapid.IntRange(0, len(w.tracked)).Draw(t, "n")
	w.p.Forget(n)
	w.tracked, w.asked = w.tracked[n:], 0
}

// GiveUp gives records an outcome that have none; a report may still replace it.
func (w *publisherWalk) GiveUp(t *rapid.T) {
	n := rapid.IntRange(0, len(w.tracked)).Draw(t, "n")
	failure := &Error{Outcome: record.Unknown}
	w.p.giveUp(n, failure)
	for _, s := range w.tracked[:n] {
		if !s.done {
			s.done, s.failure = true, failure
		}
	}
	w.asked = 0
}

func (w *publisherWalk) TakeFailed(t *rapid.T) {
	if got := w.p.TakeFailed(); got != w.failed {
		t.Fatalf("%d buffered records failed, want %d", got, w.failed)
	}
	w.failed = 0
}

func (w *publisherWalk) Check(t *rapid.T) {
	if w.p.Pending() != w.pending || int(w.p.failed.Load()) != w.failed {
		t.Fatalf("%d pending and %d failed, want %d and %d", w.p.Pending(), w.p.failed.Load(), w.pending, w.failed)
	}
	if n := len(w.p.ring.outcomes); n&(n-1) != 0 {
		t.Fatalf("a ring of %d: sequence numbers cannot wrap", n)
	}
	if n := len(w.p.ring.positions); w.p.ring.positions != nil && n != len(w.p.ring.outcomes) {
		t.Fatalf("a ring of %d places for %d outcomes", n, len(w.p.ring.outcomes))
	}
}

func TestOutcomesAgainstAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom([]uint32{0, 1, math.MaxUint32 - 40, math.MaxUint32, math.MaxInt32 - 40}).Draw(t, "first sequence")
		w := newPublisherWalk(t, from)
		t.Repeat(map[string]func(*rapid.T){
			"":            w.Check,
			"deliver":     w.Deliver,
			"refuse":      w.Refuse,
			"buffer":      w.Buffer,
			"report":      w.Report,
			"report more": w.Report,
			"take":        w.Take,
			"forget":      w.Forget,
			"give up":     w.GiveUp,
			"results":     w.Results,
			"place":       w.Place,
			"take failed": w.TakeFailed,
		})
	})
}

// reportAll reports n buffered records from as many goroutines as there are producers.
func reportAll(p *Publisher, n int) {
	for range 2 {
		go func() {
			for range n / 2 {
				if p.report(bufferedReport(p), nil, 1) {
					p.wake()
				}
			}
		}()
	}
}

// The wake must come however the last report and the question are interleaved.
func TestTheWakeForDrainedIsNeverLost(t *testing.T) {
	t.Parallel()
	woken := kafkatest.NewBell()
	p := unopened(t, configured(8), woken.Ring)
	for round := range 3000 {
		p.pending.Add(8)
		n := round % 8
		reportAll(p, 8)
		for !p.Drained(n) {
			kafkatest.Await(t, woken, "the wake for a drained session")
		}
		for !p.Drained(0) {
			kafkatest.Await(t, woken, "the wake for an empty session")
		}
	}
}

func TestTheWakeForRoomIsNeverLost(t *testing.T) {
	t.Parallel()
	woken := kafkatest.NewBell()
	p := unopened(t, configured(8), woken.Ring)
	for range 3000 {
		for !p.Room() {
			kafkatest.Await(t, woken, "the wake for room")
		}
		p.pending.Add(2)
		reportAll(p, 2)
	}
	for !p.Drained(0) {
		kafkatest.Await(t, woken, "the wake for an empty session")
	}
}

func TestRoomEndsAtTheLimit(t *testing.T) {
	p := unopened(t, configured(10), func() {})
	p.pending.Store(9)
	if !p.Room() {
		t.Error("no room for the tenth record of ten")
	}
	p.pending.Store(10)
	if p.Room() {
		t.Error("room for the eleventh record of ten")
	}
	for left := 9; left >= 5; left-- {
		if woken := p.report(bufferedReport(p), nil, 1); woken != (left == 5) {
			t.Errorf("woken is %v with %d in flight", woken, left)
		}
	}
}

func TestANumberIsUsedAgainOnlyWhenNothingOfItIsInFlight(t *testing.T) {
	ps := configured(10)
	first := unopened(t, ps, func() {})
	first.pending.Add(2)
	first.Close()
	if second := unopened(t, ps, func() {}); second.id == first.id {
		t.Fatal("a late report would reach the wrong session")
	}
	opaque := first.opaque(0)
	first.report(&librdkafka.Report{Opaque: opaque}, nil, 1)
	if ps.publishers.find(publisherOf(opaque)) != first {
		t.Fatal("forgotten with a record in flight")
	}
	first.report(&librdkafka.Report{Opaque: opaque}, nil, 1)
	if ps.publishers.find(publisherOf(opaque)) != nil {
		t.Fatal("not forgotten with nothing in flight")
	}
	if third := unopened(t, ps, func() {}); third.id != first.id {
		t.Errorf("number %d, want %d again: the table would grow with every session", third.id, first.id)
	}
}

func TestAnOpaqueTellsItsPublisher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Publisher{id: rapid.Uint32Range(0, maxPublishers-1).Draw(t, "id")}
		opaque := p.opaque(rapid.Uint32().Draw(t, "sequence")) | rapid.SampledFrom([]uint64{0, tracked}).Draw(t, "tracked")
		if got := publisherOf(opaque); got != p.id {
			t.Fatalf("publisher %d, want %d", got, p.id)
		}
	})
}

// Reports that say the same of the same session are settled as one, and only those.
func TestReportsAreSettledTogetherWhenTheySayTheSame(t *testing.T) {
	const mine, theirs = 7 << 32, 8 << 32
	ok := func(opaque uint64) librdkafka.Report { return librdkafka.Report{Opaque: opaque} }
	failed := librdkafka.Report{Opaque: mine, Err: librdkafka.MessageTimedOut}
	for _, c := range []struct {
		name string
		run  []librdkafka.Report
		want int
	}{
		{"one", []librdkafka.Report{ok(mine)}, 1},
		{"of one session", []librdkafka.Report{ok(mine), ok(mine), ok(mine)}, 3},
		{"until another session's", []librdkafka.Report{ok(mine), ok(mine), ok(theirs), ok(mine)}, 2},
		{"until a failure", []librdkafka.Report{ok(mine), failed, ok(mine)}, 1},
		{"failures one by one", []librdkafka.Report{failed, failed}, 1},
		{"delivered records one by one", []librdkafka.Report{ok(tracked | mine), ok(tracked | mine | 1)}, 1},
	} {
		if got := sameOutcome(c.run); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	p := unopened(t, configured(10), func() {})
	p.pending.Store(10)
	p.Drained(5)
	if p.report(bufferedReport(p), nil, 4) || !p.report(bufferedReport(p), nil, 3) || p.Pending() != 3 {
		t.Errorf("%d left, or woken too early or not at all", p.Pending())
	}
}

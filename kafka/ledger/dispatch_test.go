package ledger

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestDispatchAgainstTheBooks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newDispatchWalk()
		w.open(3, 2)
		t.Repeat(map[string]func(*rapid.T){
			"":             w.Check,
			"assign":       w.Assign,
			"close":        w.Close,
			"revoke":       w.Revoke,
			"feed":         w.Feed,
			"feed more":    w.Feed,
			"sit":          w.Sit,
			"stand":        w.Stand,
			"dismiss":      w.Dismiss,
			"tick":         w.Tick,
			"ask":          w.Ask,
			"ask more":     w.Ask,
			"answer":       w.Answer,
			"stop waiting": w.StopWaiting,
			"settle":       w.Settle,
			"settle more":  w.Settle,
			"settle all":   w.SettleAll,
		})
		w.leaveOne(t)
	})
}

// open begins a walk with so many partitions and members.
func (w *dispatchWalk) open(partitions int32, members int) {
	for p := range partitions {
		tp := record.TopicPartition{Topic: "t", Partition: p}
		w.dispatch.Add(tp, w.lending)
		w.books[tp] = newBook(w.counts)
	}
	for i := range members {
		g := &guest{present: true}
		g.member = w.dispatch.Attach(fmt.Sprint("member", i), dawn, func() { g.called = true })
		w.guests[g.member.Name] = g
	}
}

// leaveOne empties the house but for one member, which must then be lent everything that was fed and
// not settled, whatever happened before.
func (w *dispatchWalk) leaveOne(t *rapid.T) {
	for tp, shut := range w.shut {
		if l := w.dispatch.byName[tp]; l != nil && shut {
			w.dispatch.Remove(tp)
			w.books[tp].abandon()
			delete(w.books, tp)
		}
	}
	for _, g := range w.guests {
		w.gone(g)
		w.dispatch.Dismiss(g.member, w.now)
	}
	w.now = w.now.Add(time.Hour)
	last := &guest{present: true}
	last.member = w.dispatch.Attach("last", dawn, func() { last.called = true })
	w.guests = map[string]*guest{"last": last}
	for len(w.ask(t, last, 3, 1<<20)) > 0 {
		w.SettleAll(t)
	}
	w.Check(t)
	for tp, b := range w.books {
		if rest := b.unsettled(); len(rest) > 0 {
			t.Fatalf("%d records of %s are lost, the first is %+v", len(rest), tp, rest[0])
		}
	}
}

// house is a dispatch with so many full partitions.
func house(partitions int32, records int64, window int) *Dispatch {
	d := NewDispatch(Ordered, window, 1<<30)
	for p := range partitions {
		tp := record.TopicPartition{Topic: "t", Partition: p}
		d.Add(tp, &LeaseCounts{})
		for o := range records {
			d.Ledger(tp).Append(recordAt(tp, o, 10))
		}
	}
	return d
}

// lendAll asks once, with no limit that matters.
func lendAll(t *testing.T, d *Dispatch, s *Member) []Delivery {
	t.Helper()
	lent, err := d.Lend(s, dawn, 1<<20, 1<<30, nil)
	if err != nil {
		t.Fatal(err)
	}
	return lent
}

func nobody() {}

func TestTwoSeatsShareThePartitionsEvenly(t *testing.T) {
	d := house(6, 1000, 10_000)
	a, b := d.Attach("a", dawn, nobody), d.Attach("b", dawn, nobody)
	counts := map[*Member]int{}
	for range 1500 {
		for _, s := range []*Member{a, b} {
			lent, err := d.Lend(s, dawn, 1, 1<<20, nil)
			if err != nil {
				t.Fatal(err)
			}
			counts[s] += len(lent)
			for i := range lent {
				d.Ledger(lent[i].TopicPartition).Accept(s, lent[i].Offset)
			}
		}
	}
	if counts[a] != 1500 || counts[b] != 1500 {
		t.Errorf("a was lent %d and b %d of 1500 each", counts[a], counts[b])
	}
}

// A member that came first holds every partition, and always has something unacknowledged on each.
// Who comes later must get its share all the same, and the first one must not stand still.
func TestALateSeatGetsItsShare(t *testing.T) {
	d := house(4, 5000, 10_000)
	first := d.Attach("first", dawn, nobody)
	owed := map[record.TopicPartition][]int64{}
	lentFrom := map[record.TopicPartition]int{}
	work := func() int {
		lent, err := d.Lend(first, dawn, 1, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range lent {
			tp := lent[i].TopicPartition
			lentFrom[tp]++
			if owed[tp] = append(owed[tp], lent[i].Offset); len(owed[tp]) > 5 {
				d.Ledger(tp).Accept(first, owed[tp][0])
				owed[tp] = owed[tp][1:]
			}
		}
		return len(lent)
	}
	for range 2000 {
		work()
	}
	called := 0
	late := d.Attach("late", dawn, func() { called++ })
	if lent := lendAll(t, d, late); len(lent) != 0 {
		t.Fatalf("lent %d records of partitions that another holds", len(lent))
	}
	clear(lentFrom)
	for range 2000 {
		if work() == 0 {
			t.Fatal("the first member was lent nothing, although it holds no more than its share")
		}
		d.Wake(dawn)
	}
	if len(lentFrom) != 2 {
		t.Fatalf("while another waits, the first member was lent from %v; its share is 2 partitions", lentFrom)
	}
	// What it owes of the partitions beyond its share ends at last.
	drained := 0
	for tp, offsets := range owed {
		if l := d.byName[tp]; d.rank(l, first) >= d.share() {
			for _, o := range offsets {
				l.ledger.Accept(first, o)
			}
			drained++
		}
	}
	d.Wake(dawn)
	if drained != 2 || called == 0 {
		t.Fatalf("%d partitions were let go, and the late member was called %d times", drained, called)
	}
	if lent := lendAll(t, d, late); len(lent) == 0 {
		t.Error("nothing for the late member")
	}
}

func TestAFullWindowIsAnErrorAtOnce(t *testing.T) {
	d := house(2, 100, 10)
	s := d.Attach("a", dawn, nobody)
	if lent := lendAll(t, d, s); len(lent) != 10 {
		t.Fatalf("lent %d records, the window is 10", len(lent))
	}
	var full *WindowError
	if _, err := d.Lend(s, dawn, 1, 1, nil); !errors.As(err, &full) || full.Records != 10 || full.MaxRecords != 10 {
		t.Fatalf("got %v", err)
	}
	d.Ledger(record.TopicPartition{Topic: "t", Partition: 0}).AcceptThrough(s, 100)
	if lent := lendAll(t, d, s); len(lent) == 0 {
		t.Error("nothing although the window has room again")
	}
}

// A worker that dies again and again without acknowledging must not collect one window more with
// every life.
func TestAWindowBoundsWhatASeatOwesOverManyLives(t *testing.T) {
	const window = 10
	d := house(8, window, window)
	for range 1000 {
		s := d.Attach("a", dawn, nobody)
		_, _ = d.Lend(s, dawn, 3, 1<<20, nil)
		d.Detach(s, dawn, dawn.Add(time.Minute))
		if s.owed > window {
			t.Fatalf("owes %d records, the window is %d", s.owed, window)
		}
	}
}

// What is settled behind a record that is not fills the window of its partition as well.
func TestAPartitionThatCanTakeNoMoreIsAnError(t *testing.T) {
	d := house(1, 10, 10)
	s, tp := d.Attach("a", dawn, nobody), record.TopicPartition{Topic: "t", Partition: 0}
	lendAll(t, d, s)
	for o := range int64(9) {
		d.Ledger(tp).Accept(s, o+1)
	}
	if n := d.Wants(d.byName[tp]); n != 0 {
		t.Fatalf("wants %d more records", n)
	}
	var full *WindowError
	if _, err := d.Lend(s, dawn, 1, 1, nil); !errors.As(err, &full) || full.Records != 1 {
		t.Errorf("got %v", err)
	}
}

func TestASeatTakesMoreThanItsShareWhileNobodyWaits(t *testing.T) {
	d := house(4, 10, 100)
	d.Attach("idle", dawn, nobody)
	if lent := lendAll(t, d, d.Attach("a", dawn, nobody)); len(lent) != 40 {
		t.Errorf("lent %d records of 40", len(lent))
	}
}

func TestEachFreePartitionCallsAnotherSeat(t *testing.T) {
	d := NewDispatch(Ordered, 10, 1000)
	var called []string
	for _, name := range []string{"first", "second", "third"} {
		s := d.Attach(name, dawn, func() { called = append(called, name) })
		lendAll(t, d, s)
	}
	for p := range int32(2) {
		tp := record.TopicPartition{Topic: "t", Partition: p}
		d.Add(tp, &LeaseCounts{})
		d.Ledger(tp).Append(recordAt(tp, 0, 1))
	}
	for range 3 { // called members are not called again before they ask
		if d.Wake(dawn); len(called) < 2 || called[0] != "first" || called[1] != "second" {
			t.Fatalf("called %v", called)
		}
	}
	if len(called) > 3 {
		t.Errorf("called %v", called)
	}
}

func TestAnAbsentSeatKeepsItsPartitionForTheGrace(t *testing.T) {
	d := house(1, 3, 100)
	gone, woken := d.Attach("gone", dawn, nobody), 0
	lendAll(t, d, gone)
	other := d.Attach("other", dawn, func() { woken++ })
	lendAll(t, d, other)
	until := dawn.Add(time.Second)
	d.Detach(gone, dawn, until)
	d.Expire(until.Add(-1))
	if woken != 0 || len(lendAll(t, d, other)) != 0 {
		t.Fatal("lent to another within the grace")
	}
	d.Expire(until)
	if lent := lendAll(t, d, other); woken != 1 || len(lent) != 3 || lent[0].Attempt != 2 {
		t.Fatalf("woken %d times and lent %+v after the grace", woken, lent)
	}
}

func TestAStaleSettleDoesNothing(t *testing.T) {
	d := house(1, 3, 100)
	tp := record.TopicPartition{Topic: "t", Partition: 0}
	a := d.Attach("a", dawn, nobody)
	lendAll(t, d, a)
	d.Remove(tp)
	if d.Ledger(tp) != nil || a.owed != 0 {
		t.Fatalf("owes %d records of a partition that is gone", a.owed)
	}
	d.Add(tp, &LeaseCounts{})
	d.Ledger(tp).Append(recordAt(tp, 1, 1))
	b := d.Attach("b", dawn, nobody)
	lendAll(t, d, b)
	if d.Ledger(tp).Accept(a, 1) {
		t.Error("a settled what b was lent after the partition came back")
	}
}

// The mutex of a subscription is held for this: what one Next costs must not grow with what lies
// ready on other partitions.
func BenchmarkAutomaticAcks(b *testing.B) {
	for _, partitions := range []int32{1, 100, 1000} {
		b.Run(record.TopicPartition{Topic: "partitions", Partition: partitions}.String(), func(b *testing.B) {
			d := house(partitions, 300, 10_000)
			s := d.Attach("a", dawn, nobody)
			b.ResetTimer()
			for i := range b.N {
				d.AcceptLeased(s)
				out, err := d.Lend(s, dawn, 1, 1, nil)
				if err != nil || len(out) != 1 {
					b.Fatal(err, len(out))
				}
				l := d.Ledger(out[0].TopicPartition)
				l.Append(recordAt(out[0].TopicPartition, int64(300+i), 10))
			}
		})
	}
}

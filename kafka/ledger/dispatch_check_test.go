package ledger

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// checkLent holds a delivery against the books: in order, due, and from a partition of which nobody
// else owes anything.
func (w *dispatchWalk) checkLent(t *rapid.T, g *guest, d *Delivery) {
	b := w.books[d.TopicPartition]
	if b == nil || w.shut[d.TopicPartition] {
		t.Fatalf("lent %s:%d, which is not ours to lend", d.TopicPartition, d.Offset)
	}
	p := b.first()
	if p == nil || p.offset != d.Offset {
		t.Fatalf("lent %s:%d out of order, the first is %+v", d.TopicPartition, d.Offset, p)
	}
	if w.now.Before(p.due) {
		t.Fatalf("lent %s:%d before it is due", d.TopicPartition, d.Offset)
	}
	for _, other := range b.owed() {
		if other.owner != g.member {
			t.Fatalf("lent %s:%d to %s while %s owes %d", d.TopicPartition, d.Offset, g.member.Name, other.owner.Name, other.offset)
		}
	}
	b.lend(p, g.member)
	if d.Attempt != 1+p.failed {
		t.Fatalf("%s:%d: attempt %d, want %d", d.TopicPartition, d.Offset, d.Attempt, 1+p.failed)
	}
}

// full is a window that is full of records in the member's hands.
func (w *dispatchWalk) full(of share) bool {
	return of.Leases >= walkRecords || of.Leases > 0 && of.Leases == of.Owed && of.OwedBytes >= walkBytes
}

// stuck is a partition that cannot take more because of what the member owes of it.
func (w *dispatchWalk) stuck(s *Member) bool {
	for _, b := range w.books {
		counts := b.inventory(w.now)
		if len(b.of(s)) > 0 && len(b.in(ready)) == 0 && (counts.Span >= walkRecords || counts.Bytes >= walkBytes) {
			return true
		}
	}
	return false
}

func (w *dispatchWalk) checkWindow(t *rapid.T, g *guest, e *WindowError) {
	of := w.sum(g.member)
	if !w.full(of) && !w.stuck(g.member) {
		t.Fatalf("%v, but the window has room: %+v", e, of)
	}
	if e.Records != of.Owed || e.Bytes != of.OwedBytes || e.MaxRecords != walkRecords || e.MaxBytes != walkBytes {
		t.Fatalf("%+v tells something else than %+v", e, of)
	}
}

// lendable tells whether the member may be lent the partition's next record, the share aside.
func (w *dispatchWalk) lendable(tp record.TopicPartition, s *Member) bool {
	b := w.books[tp]
	p := b.first()
	if w.shut[tp] || p == nil || w.now.Before(p.due) {
		return false
	}
	return len(b.owed()) == len(b.of(s))
}

// overdrawn tells whether the member has to let the partition go to others: they wait, and it holds
// more than an even share.
func (w *dispatchWalk) overdrawn(tp record.TopicPartition, s *Member) bool {
	held, others, present := 0, 0, 0
	for _, b := range w.books {
		held += min(1, len(b.of(s)))
	}
	for _, g := range w.guests {
		if g.present {
			present++
		}
		if g.waiting && g.member != s {
			others++
		}
	}
	b := w.books[tp]
	fresh := b.first() != nil && b.first().owner == nil
	return len(b.of(s)) > 0 && fresh && others > 0 && held*max(1, present) > len(w.books)
}

// brimming tells whether the partition's next record is one more than the member's window has room for.
func (w *dispatchWalk) brimming(tp record.TopicPartition, s *Member) bool {
	of, p := w.sum(s), w.books[tp].first()
	return p != nil && p.owner == nil && (of.Owed >= walkRecords || of.OwedBytes >= walkBytes)
}

// checkNothing makes sure that a member which was lent nothing could be lent nothing.
func (w *dispatchWalk) checkNothing(t *rapid.T, g *guest) {
	for tp := range w.books {
		if w.lendable(tp, g.member) && !w.overdrawn(tp, g.member) && !w.brimming(tp, g.member) {
			t.Fatalf("%s was lent nothing, although %s has %+v", g.member.Name, tp, w.books[tp].first())
		}
	}
}

// checkCalled makes sure that no member waits, uncalled, for what it could be lent: the holder of each
// partition, and for those without one as many others as there are.
func (w *dispatchWalk) checkCalled(t *rapid.T) {
	free := 0
	for tp, b := range w.books {
		if len(b.owed()) == 0 && w.lendable(tp, nil) {
			free++
		}
		for _, g := range w.guests {
			holder := g.waiting && !g.called && len(b.of(g.member)) > 0
			if holder && w.lendable(tp, g.member) && !w.overdrawn(tp, g.member) && !w.brimming(tp, g.member) {
				t.Fatalf("%s waits uncalled, and holds %s with %+v", g.member.Name, tp, b.first())
			}
		}
	}
	inLine, called := 0, 0
	for _, g := range w.guests {
		if g.waiting {
			inLine++
		}
		if g.called {
			called++
		}
	}
	if called < min(free, inLine) {
		t.Fatalf("%d partitions are free and %d members wait, but %d were called", free, inLine, called)
	}
}

// Check recounts everything that the dispatch counts.
func (w *dispatchWalk) Check(t *rapid.T) {
	present, inLine := 0, []string{}
	for name, g := range w.guests {
		if diff := cmp.Diff(w.sum(g.member), shareOf(g.member)); diff != "" {
			t.Fatalf("%s is counted wrongly (-want +got):\n%s", name, diff)
		}
		if g.present {
			present++
		}
		if g.waiting {
			inLine = append(inLine, name)
		}
	}
	var queue []string
	for _, s := range w.dispatch.waiting {
		queue = append(queue, s.Name)
	}
	slices.Sort(queue)
	slices.Sort(inLine)
	if present != w.dispatch.present || !slices.Equal(queue, inLine) {
		t.Fatalf("%d are present, %v wait; want %d and %v", w.dispatch.present, queue, present, inLine)
	}
	want := balance(*w.counts, slices.Collect(maps.Values(w.books))...)
	if *w.lending != want || !w.lending.balanced() {
		t.Fatalf("the leases are counted as %+v, want %+v", *w.lending, want)
	}
	for tp, b := range w.books {
		w.dispatch.Ledger(tp).promote(w.now)
		if diff := cmp.Diff(b.inventory(w.now), w.dispatch.Ledger(tp).inventory()); diff != "" {
			t.Fatalf("%s is counted wrongly (-want +got):\n%s", tp, diff)
		}
	}
}

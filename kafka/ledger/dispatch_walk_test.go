package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// The window of the walks: small, so that it is often full.
const (
	walkRecords = 8
	walkBytes   = 1000
	walkGrace   = 5 * time.Second
)

// dispatchWalk drives a dispatch and, beside it, one obvious book per partition.
type dispatchWalk struct {
	dispatch *Dispatch
	books    map[record.TopicPartition]*book
	shut     map[record.TopicPartition]bool // being revoked
	guests   map[string]*guest
	now      time.Time
	ends     int64        // offset of the last record of any partition
	lending  *LeaseCounts // what the dispatch counts
	counts   *LeaseCounts // what the books count
}

// guest is what the walk knows of a member.
type guest struct {
	member  *Member
	present bool
	until   time.Time
	waiting bool
	called  bool
}

func newDispatchWalk() *dispatchWalk {
	return &dispatchWalk{
		dispatch: NewDispatch(Ordered, walkRecords, walkBytes), now: dawn,
		lending: &LeaseCounts{}, counts: &LeaseCounts{},
		books: map[record.TopicPartition]*book{}, shut: map[record.TopicPartition]bool{}, guests: map[string]*guest{},
	}
}

func (w *dispatchWalk) partitions() []record.TopicPartition {
	return slices.SortedFunc(maps.Keys(w.books), func(a, b record.TopicPartition) int { return int(a.Partition - b.Partition) })
}

// partition draws an open partition.
func (w *dispatchWalk) partition(t *rapid.T) record.TopicPartition {
	if len(w.books) == 0 {
		t.Skip("no partition")
	}
	return rapid.SampledFrom(w.partitions()).Draw(t, "partition")
}

// guest draws a member for which fits is true.
func (w *dispatchWalk) guest(t *rapid.T, fits func(*guest) bool) *guest {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(w.guests)) {
		if fits(w.guests[name]) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Skip("no such member")
	}
	return w.guests[rapid.SampledFrom(names).Draw(t, "member")]
}

func anyone(*guest) bool   { return true }
func here(g *guest) bool   { return g.present }
func asking(g *guest) bool { return g.waiting }

func (w *dispatchWalk) sum(s *Member) (all share) {
	for _, b := range w.books {
		part := b.shareOf(s)
		all.Leases += part.Leases
		all.Owed += part.Owed
		all.OwedBytes += part.OwedBytes
	}
	return all
}

// call is what the subscription does after every change, and at every tick.
func (w *dispatchWalk) call(t *rapid.T) {
	w.dispatch.Wake(w.now)
	w.checkCalled(t)
}

// Assign opens a partition, up to five.
func (w *dispatchWalk) Assign(t *rapid.T) {
	tp := record.TopicPartition{Topic: "t", Partition: rapid.Int32Range(0, 4).Draw(t, "partition")}
	if w.books[tp] != nil {
		t.Skip("open already")
	}
	w.dispatch.Add(tp, w.lending)
	w.books[tp], w.shut[tp] = newBook(w.counts), false
}

// Close begins a revocation.
func (w *dispatchWalk) Close(t *rapid.T) {
	tp := w.partition(t)
	w.dispatch.byName[tp].closing = true
	w.shut[tp] = true
}

// Revoke ends one: what was owed of the partition is nobody's any more.
func (w *dispatchWalk) Revoke(t *rapid.T) {
	tp := w.partition(t)
	w.dispatch.Remove(tp)
	w.books[tp].abandon()
	delete(w.books, tp)
	if w.dispatch.Ledger(tp) != nil {
		t.Fatalf("%s is still there", tp)
	}
	w.call(t)
}

// Feed adds what a partition wants, as the subscription does.
func (w *dispatchWalk) Feed(t *rapid.T) {
	tp := w.partition(t)
	w.dispatch.ahead.Bytes = 500
	wants := w.dispatch.Wants(w.dispatch.byName[tp])
	if w.shut[tp] && wants > 0 {
		t.Fatal("a partition that is being revoked wants records")
	}
	for range rapid.IntRange(0, wants).Draw(t, "records") {
		w.ends += rapid.Int64Range(1, 3).Draw(t, "gap")
		r := recordAt(tp, w.ends, rapid.IntRange(0, 200).Draw(t, "size"))
		if !w.dispatch.Ledger(tp).Append(r) || !w.books[tp].append(r) {
			t.Fatalf("record %d not taken", r.Offset)
		}
	}
	if n := w.dispatch.Ledger(tp).Span(); n > walkRecords {
		t.Fatalf("%s spans %d records, the window is %d", tp, n, walkRecords)
	}
	w.call(t)
}

// Sit members one of four names that has no connection.
func (w *dispatchWalk) Sit(t *rapid.T) {
	name := fmt.Sprint("member", rapid.IntRange(0, 3).Draw(t, "name"))
	g := w.guests[name]
	if g == nil {
		g = &guest{}
		w.guests[name] = g
	}
	if g.present {
		t.Skip("taken")
	}
	s := w.dispatch.Attach(name, w.now, func() { g.called = true })
	if g.member != nil && g.member != s {
		t.Fatal("another member for the same name within the grace")
	}
	*g = guest{member: s, present: true}
	for _, b := range w.books {
		b.died(s)
		b.rewind(s)
	}
}

// Stand leaves a member for the grace.
func (w *dispatchWalk) Stand(t *rapid.T) {
	g := w.guest(t, here)
	g.present, g.until = false, w.now.Add(walkGrace)
	g.waiting, g.called = false, false
	w.dispatch.Detach(g.member, w.now, g.until)
	w.checkCalled(t)
}

// Dismiss ends a member at once.
func (w *dispatchWalk) Dismiss(t *rapid.T) {
	g := w.guest(t, anyone)
	w.gone(g)
	w.dispatch.Dismiss(g.member, w.now)
	w.checkCalled(t)
}

func (w *dispatchWalk) gone(g *guest) {
	delete(w.guests, g.member.Name)
	for _, b := range w.books {
		b.forfeit(g.member)
	}
}

// Tick lets time go by: graces end, at once for who owes nothing, delays end.
func (w *dispatchWalk) Tick(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
	var want, got []string
	for name, g := range w.guests {
		if !g.present && (!w.now.Before(g.until) || w.sum(g.member).Owed == 0) {
			want = append(want, name)
			for _, b := range w.books {
				b.died(g.member)
			}
			w.gone(g)
		}
	}
	for _, s := range w.dispatch.Expire(w.now) {
		got = append(got, s.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("the grace is over for %v, want %v", got, want)
	}
	w.call(t)
}

// Ask lends some records to a member with a connection.
func (w *dispatchWalk) Ask(t *rapid.T) {
	w.ask(t, w.guest(t, here), rapid.IntRange(1, 6).Draw(t, "limit"), rapid.IntRange(1, 2000).Draw(t, "bytes"))
}

// Answer lets a member that was called ask, as its connection does.
func (w *dispatchWalk) Answer(t *rapid.T) {
	w.ask(t, w.guest(t, func(g *guest) bool { return g.called }), 1, 1)
}

func (w *dispatchWalk) ask(t *rapid.T, g *guest, limit, bytes int) []Delivery {
	held := w.sum(g.member)
	g.waiting, g.called = false, false
	lent, err := w.dispatch.Lend(g.member, w.now, limit, bytes, nil)
	if len(lent) > limit {
		t.Fatalf("lent %d records, the limit is %d", len(lent), limit)
	}
	for i := range lent {
		w.checkLent(t, g, &lent[i])
	}
	var window *WindowError
	switch {
	case len(lent) > 0 && err != nil:
		t.Fatalf("%d records and an error: %v", len(lent), err)
	case len(lent) > 0:
	case errors.As(err, &window):
		w.checkWindow(t, g, window)
	case err != nil:
		t.Fatal(err)
	case w.full(held) || w.stuck(g.member):
		t.Fatalf("%s waits although its window is full: %+v", g.member.Name, held)
	default:
		g.waiting = true
		w.checkNothing(t, g)
	}
	return lent
}

// StopWaiting is a timeout or a hang-up.
func (w *dispatchWalk) StopWaiting(t *rapid.T) {
	g := w.guest(t, asking)
	g.waiting, g.called = false, false
	w.dispatch.StopWaiting(g.member)
	w.call(t)
}

// Settle accepts or releases something that somebody may owe.
func (w *dispatchWalk) Settle(t *rapid.T) {
	tp, s := w.partition(t), w.guest(t, anyone).member
	l, b := w.dispatch.Ledger(tp), w.books[tp]
	var got, want int
	if mine := b.of(s); len(mine) == 0 {
		got, want = l.AcceptThrough(s, b.last()), 0
	} else {
		offset := rapid.SampledFrom(mine).Draw(t, "page").offset
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			got, want = count(l.Accept(s, offset)), count(b.accept(s, offset))
		case 1:
			due := w.now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "delay")) * time.Second)
			got, want = count(l.Retry(s, offset, w.now, due, ThePartition, true)), count(b.retry(s, offset, due))
		default:
			got, want = l.AcceptThrough(s, offset), b.acceptThrough(s, offset)
		}
	}
	if got != want {
		t.Fatalf("settled %d, want %d", got, want)
	}
	w.call(t)
}

// SettleAll accepts all that is in a member's hands.
func (w *dispatchWalk) SettleAll(t *rapid.T) {
	s := w.guest(t, anyone).member
	want := 0
	for _, b := range w.books {
		want += b.acceptLeased(s)
	}
	if got := w.dispatch.AcceptLeased(s); got != want {
		t.Fatalf("settled %d, want %d", got, want)
	}
	w.call(t)
}

// count is 1 for what was done.
func count(did bool) int {
	if did {
		return 1
	}
	return 0
}

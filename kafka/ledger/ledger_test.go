package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// dawn is when the clocks of the pure tests begin.
var dawn = time.Unix(1_700_000_000, 0)

func recordAt(tp record.TopicPartition, offset int64, size int) record.Record {
	return record.Record{TopicPartition: tp, Offset: offset, Value: make([]byte, size)}
}

// inventory is what a ledger counts as it goes.
type inventory struct {
	Ready, ReadyBytes, Owed, Bytes, Span int
	Position                             int64
}

func (l *Ledger) inventory() inventory {
	t := &l.tallies
	return inventory{t.ready, t.readyBytes, t.owed, t.bytes, l.Span(), l.Position()}
}

func (b *book) inventory(now time.Time) inventory {
	rest, unsettled := b.unsettled(), slices.Concat(b.in(ready), b.in(leased))
	lendable := slices.DeleteFunc(b.in(ready), func(p *page) bool { return now.Before(p.due) })
	return inventory{len(lendable), bytesOf(lendable), len(b.owed()), bytesOf(unsettled), len(rest), b.position}
}

// share is what a member counts as it goes.
type share struct{ Leases, Owed, OwedBytes int }

func shareOf(s *Member) share { return share{s.leases, s.owed, s.owedBytes} }

func (b *book) shareOf(s *Member) share {
	mine := b.of(s)
	return share{len(leasedOf(mine)), len(mine), bytesOf(mine)}
}

// ledgerWalk drives a ledger and its model side by side.
type ledgerWalk struct {
	ledger  *Ledger
	book    *book
	past    []*book // of logs that are gone
	members []*Member
	now     time.Time
	highest int64 // position seen last
}

func newLedgerWalk() *ledgerWalk {
	w := &ledgerWalk{ledger: NewLedger(&LeaseCounts{}), book: newBook(&LeaseCounts{}), now: dawn, highest: -1}
	for i := range 3 {
		w.members = append(w.members, &Member{Name: fmt.Sprint("member", i)})
	}
	return w
}

func (w *ledgerWalk) member(t *rapid.T) *Member {
	return rapid.SampledFrom(w.members).Draw(t, "member")
}

// offset is near what the book holds, known or not.
func (w *ledgerWalk) offset(t *rapid.T) int64 {
	return rapid.Int64Range(max(-1, w.book.position-3), w.book.last()+2).Draw(t, "offset")
}

// Append adds a run of records with gaps, and sometimes repeats old ones.
func (w *ledgerWalk) Append(t *rapid.T) {
	for _, gap := range rapid.SliceOfN(rapid.Int64Range(-2, 4), 1, 40).Draw(t, "gaps") {
		r := recordAt(record.TopicPartition{Topic: "t", Partition: 0}, max(0, w.book.last()+gap), rapid.IntRange(0, 50).Draw(t, "size"))
		if got, want := w.ledger.Append(r), w.book.append(r); got != want {
			t.Fatalf("Append(%d) = %v, want %v", r.Offset, got, want)
		}
	}
}

// Lend takes up to ten records for a member. What is kept for another member is never asked for: a
// dispatch lends a partition to one member at a time.
func (w *ledgerWalk) Lend(t *rapid.T) {
	s := w.member(t)
	for range rapid.IntRange(1, 10).Draw(t, "records") {
		want := w.book.first()
		if want != nil && want.owner != nil && want.owner != s {
			return
		}
		d, ok := w.ledger.Lend(s, w.now, true)
		if lendable := want != nil && !w.now.Before(want.due); ok != lendable {
			t.Fatalf("lent is %v, want %v", ok, lendable)
		}
		if !ok {
			return
		}
		w.book.lend(want, s)
		if d.Offset != want.offset || d.Attempt != 1+want.failed {
			t.Fatalf("lent %d for the %d. time, want %d for the %d.", d.Offset, d.Attempt, want.offset, 1+want.failed)
		}
	}
}

func (w *ledgerWalk) Accept(t *rapid.T) {
	s, offset := w.member(t), w.offset(t)
	if owes, want := w.ledger.Owes(s, offset), slices.Contains(w.book.of(s), w.book.find(offset)); owes != want {
		t.Fatalf("Owes(%d) = %v, want %v", offset, owes, want)
	}
	if got, want := w.ledger.Accept(s, offset), w.book.accept(s, offset); got != want {
		t.Fatalf("Accept(%d) = %v, want %v", offset, got, want)
	}
}

func (w *ledgerWalk) AcceptThrough(t *rapid.T) {
	s, offset := w.member(t), w.offset(t)
	if got, want := w.ledger.AcceptThrough(s, offset), w.book.acceptThrough(s, offset); got != want {
		t.Fatalf("AcceptThrough(%d) = %d, want %d", offset, got, want)
	}
}

func (w *ledgerWalk) AcceptLeased(t *rapid.T) {
	s := w.member(t)
	if got, want := w.ledger.AcceptLeased(s), w.book.acceptLeased(s); got != want {
		t.Fatalf("AcceptLeased = %d, want %d", got, want)
	}
}

func (w *ledgerWalk) Release(t *rapid.T) {
	s, offset := w.member(t), w.offset(t)
	if got, want := w.ledger.Release(s, offset), w.book.release(s, offset); got != want {
		t.Fatalf("Release(%d) = %v, want %v", offset, got, want)
	}
}

func (w *ledgerWalk) Retry(t *rapid.T) {
	s, offset := w.member(t), w.offset(t)
	due := w.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * time.Second)
	if got, want := w.ledger.Retry(s, offset, w.now, due, ThePartition, true), w.book.retry(s, offset, due); got != want {
		t.Fatalf("Retry(%d) = %v, want %v", offset, got, want)
	}
}

// Die ends the client of a member.
func (w *ledgerWalk) Die(t *rapid.T) {
	s := w.member(t)
	offset, counted := w.ledger.Died(s, w.now)
	if at, want := w.book.died(s); counted != want || offset != at {
		t.Fatalf("the death counts for %d (%v), want %d (%v)", offset, counted, at, want)
	}
}

func (w *ledgerWalk) Rewind(t *rapid.T) {
	s := w.member(t)
	w.ledger.Rewind(s)
	w.book.rewind(s)
}

func (w *ledgerWalk) Forfeit(t *rapid.T) {
	s := w.member(t)
	w.ledger.Forfeit(s)
	w.book.forfeit(s)
}

// Pass leaves out records that would come next.
func (w *ledgerWalk) Pass(t *rapid.T) {
	from := w.book.last() + 1
	to := from + rapid.Int64Range(0, 5).Draw(t, "skipped")
	w.ledger.Pass(from, to)
	w.book.pass(from, to)
}

// GoBack begins the book of another log, anywhere, as one that was created again or was cut, or a place that was
// sought. Nothing else lets a position go down.
func (w *ledgerWalk) GoBack(t *rapid.T) {
	w.ledger.Abandon()
	w.book.abandon()
	w.past = append(w.past, w.book)
	at := rapid.Int64Range(0, max(0, w.book.last())+3).Draw(t, "at")
	w.ledger, w.book = NewLedger(w.ledger.counts), newBook(w.book.counts)
	w.ledger.Begin(at)
	w.book.begin(at)
	w.ledger.Pass(at, at)
	w.book.pass(at, at)
	w.highest = at
}

// ComeBack loses the partition and gets it again: an heir of the book is fed from somewhere below the position on, and must
// lend what was not settled, and nothing else.
func (w *ledgerWalk) ComeBack(t *rapid.T) {
	w.ledger.Abandon()
	w.book.abandon()
	known := w.ledger.Settlements()
	position := known.Position
	w.ledger = NewLedger(w.ledger.counts)
	w.ledger.Inherit(known)
	w.book.begin(known.Position)
	from := rapid.Int64Range(max(0, position-10), max(0, position)).Draw(t, "from")
	w.ledger.Pass(from, from)
	for _, p := range w.book.again(from) {
		w.ledger.Append(recordAt(record.TopicPartition{Topic: "t", Partition: 0}, p.offset, p.size-record.Overhead))
	}
	next := max(position, w.book.last()+1) // what is between is no more there
	w.ledger.Pass(next, next)
	w.book.pass(next, next)
}

func (w *ledgerWalk) Wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
}

// Check compares everything that is counted with a recount.
func (w *ledgerWalk) Check(t *rapid.T) {
	w.ledger.promote(w.now)
	if diff := cmp.Diff(w.book.inventory(w.now), w.ledger.inventory()); diff != "" {
		t.Fatalf("the ledger counts wrongly (-want +got):\n%s", diff)
	}
	want, got := balance(*w.book.counts, w.book), *w.ledger.counts
	if got != want || !got.balanced() {
		t.Fatalf("the leases are counted as %+v, want %+v", got, want)
	}
	for _, s := range w.members {
		if diff := cmp.Diff(w.book.shareOf(s), shareOf(s)); diff != "" {
			t.Fatalf("%s is counted wrongly (-want +got):\n%s", s.Name, diff)
		}
	}
	at := w.ledger.Position()
	if rest := w.book.unsettled(); len(rest) > 0 && at > rest[0].offset {
		t.Fatalf("the position %d is above %d, which is not settled", at, rest[0].offset)
	}
	if at < w.highest {
		t.Fatalf("the position went back from %d to %d", w.highest, at)
	}
	w.highest = at
}

func TestLedgerIsTheObviousBook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newLedgerWalk()
		t.Repeat(map[string]func(*rapid.T){
			"":             w.Check,
			"append":       w.Append,
			"lend":         w.Lend,
			"lend more":    w.Lend,
			"accept":       w.Accept,
			"through":      w.AcceptThrough,
			"leased":       w.AcceptLeased,
			"release":      w.Release,
			"retry":        w.Retry,
			"die":          w.Die,
			"rewind":       w.Rewind,
			"forfeit":      w.Forfeit,
			"pass":         w.Pass,
			"end":          w.End,
			"go back":      w.GoBack,
			"come back":    w.ComeBack,
			"time goes by": w.Wait,
		})
		w.ledger.Abandon()
		w.book.abandon()
		w.Check(t)
	})
}

// lentOffsets lends everything that the member may be lent.
func lentOffsets(l *Ledger, s *Member) (lent []int64) {
	for {
		d, ok := l.Lend(s, dawn, true)
		if !ok {
			return lent
		}
		lent = append(lent, d.Offset)
	}
}

// filled is a ledger with the given offsets.
func filled(at ...int64) *Ledger {
	l := NewLedger(&LeaseCounts{})
	for _, o := range at {
		l.Append(recordAt(record.TopicPartition{Topic: "t", Partition: 0}, o, 1))
	}
	return l
}

func wantOffsets(t *testing.T, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("lent %v, want %v", got, want)
	}
}

func TestRewoundRecordsComeAgainFromTheLowest(t *testing.T) {
	l, s := filled(3, 5, 9, 12), &Member{}
	wantOffsets(t, lentOffsets(l, s), 3, 5, 9, 12)
	l.Accept(s, 5)
	l.Rewind(s)
	wantOffsets(t, lentOffsets(l, s), 3, 9, 12)
}

func TestAnAckUnderWayCountsAfterARewind(t *testing.T) {
	l, s := filled(3, 5, 9), &Member{}
	lentOffsets(l, s)
	l.Rewind(s)
	if n := l.AcceptThrough(s, 5); n != 2 {
		t.Fatalf("accepted %d, want 2", n)
	}
	wantOffsets(t, lentOffsets(l, s), 9)
	if l.Position() != 6 {
		t.Fatalf("position %d, want 6", l.Position())
	}
	// Three were lent, and taken back by the rewind; two acks and the last record make three more.
	want := LeaseCounts{Fetched: 3, Lent: 6, Accepted: 2, Released: 3, Redelivered: 1, Leased: 1}
	if *l.counts != want {
		t.Errorf("counted %+v, want %+v", *l.counts, want)
	}
}

func TestForfeitedRecordsGoToAnotherInOrder(t *testing.T) {
	l, gone, other := filled(0, 1, 2, 3), &Member{}, &Member{}
	for range 3 {
		l.Lend(gone, dawn, true)
	}
	l.Accept(gone, 1)
	l.Forfeit(gone)
	wantOffsets(t, lentOffsets(l, other), 0, 2, 3)
	if l.Accept(gone, 0) {
		t.Error("a member settled what was taken from it")
	}
	if l.Position() != -1 {
		t.Errorf("position %d although 0 is not settled", l.Position())
	}
}

func TestADelayedRecordHoldsItsPartition(t *testing.T) {
	l, s := filled(0, 1), &Member{}
	l.Lend(s, dawn, true)
	due := dawn.Add(time.Minute)
	l.Retry(s, 0, dawn, due, ThePartition, true)
	if d, ok := l.Lend(s, due.Add(-1), true); ok {
		t.Fatalf("lent %d before it was due", d.Offset)
	}
	d, ok := l.Lend(s, due, true)
	if !ok || d.Offset != 0 || d.Attempt != 2 {
		t.Fatalf("lent %v %+v, want offset 0 for the 2. time", ok, d)
	}
}

// A ledger that runs for years must not keep the room of what has left it.
func TestALedgerStaysAsSmallAsWhatIsUnsettled(t *testing.T) {
	l, s := NewLedger(&LeaseCounts{}), &Member{}
	for i := range int64(100_000) {
		l.Append(recordAt(record.TopicPartition{Topic: "t", Partition: 0}, i, 1))
		l.Lend(s, dawn, true)
		if i > 100 {
			l.Accept(s, i-100)
			l.AcceptThrough(s, i-100)
		}
	}
	if n := cap(l.entries); n > 2048 {
		t.Errorf("room for %d records, %d are unsettled", n, l.Span())
	}
}

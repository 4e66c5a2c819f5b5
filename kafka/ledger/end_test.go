package ledger

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// End comes to the end of the log, behind which more may be written.
func (w *ledgerWalk) End(t *rapid.T) {
	at := w.book.last() + rapid.Int64Range(-2, 5).Draw(t, "behind the last")
	w.ledger.End(at)
	w.book.endAt(at)
}

// What is no record at the end of a log holds no position back, and passes no record that is not settled.
func TestTheEndOfTheLogIsThePositionOnceAllIsSettled(t *testing.T) {
	l, s := filled(3, 4), &Member{}
	want := func(position, fetched int64) {
		t.Helper()
		if l.Position() != position || l.Fetched() != fetched {
			t.Fatalf("position %d, fetched %d, want %d and %d", l.Position(), l.Fetched(), position, fetched)
		}
	}
	l.End(6)
	want(-1, 5)
	wantOffsets(t, lentOffsets(l, s), 3, 4)
	l.Accept(s, 4)
	want(-1, 5)
	l.Accept(s, 3)
	want(6, 5)
	l.End(5) // was told late
	want(6, 5)
	l.Append(recordAt(record.TopicPartition{Topic: "t", Partition: 0}, 6, 1))
	l.End(8)
	want(6, 7)
	lentOffsets(l, s)
	l.AcceptThrough(s, 6)
	want(8, 7)
}

// A ledger of which nothing is settled does not know whether the records before its first one are.
func TestTheEndOfTheLogSettlesNothing(t *testing.T) {
	l := NewLedger(&LeaseCounts{})
	l.End(5)
	if l.Position() != -1 {
		t.Errorf("position %d", l.Position())
	}
}

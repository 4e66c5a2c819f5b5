package ledger

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// What somebody has committed is lent to nobody, whether it was fetched before or after that.
func TestWhatIsSkippedIsNotLent(t *testing.T) {
	var counts LeaseCounts
	l, now := NewLedger(&counts), time.Now()
	a, b := &Member{Name: "a"}, &Member{Name: "b"}
	for offset := range int64(6) {
		l.Append(record.Record{Offset: offset, Value: []byte("x")})
	}
	if d, _ := l.Lend(a, now, true); d.Offset != 0 {
		t.Fatalf("lent %d", d.Offset)
	}
	l.AcceptThrough(a, 0)
	l.Skip(8)
	if n, bytes := l.Ready(); n != 0 || bytes != 0 || l.Position() != 8 || l.Span() != 0 {
		t.Errorf("%d records of %d bytes are ready, position %d, %d entries", n, bytes, l.Position(), l.Span())
	}
	for offset := int64(6); offset < 9; offset++ {
		l.Append(record.Record{Offset: offset, Value: []byte("x")})
	}
	if d, is := l.Lend(b, now, true); !is || d.Offset != 8 {
		t.Errorf("lent %d, %v", d.Offset, is)
	}
	if _, is := l.Lend(b, now, true); is {
		t.Error("there is another record")
	}
	l.AcceptThrough(b, 8)
	if l.Position() != 9 {
		t.Errorf("the position is %d", l.Position())
	}
}

// drop settles a page that nobody has accepted.
func (b *book) drop(offset int64) bool {
	p := b.find(offset)
	if p == nil || p.state == settled {
		return false
	}
	b.end(p)
	p.state, p.owner = settled, nil
	b.settle()
	return true
}

// Drop is an operator who skips a record.
func (w *ledgerWalk) Drop(t *rapid.T) {
	offset := w.offset(t)
	if got, want := w.ledger.Drop(offset), w.book.drop(offset); got != want {
		t.Fatalf("Drop(%d) = %v, want %v", offset, got, want)
	}
}

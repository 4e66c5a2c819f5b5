package ledger

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/record"
)

var sparse = record.TopicPartition{Topic: "sparse", Partition: 0}

// Whatever the gaps between records, and whichever of them are settled: what is settled fits into a commit, and each record
// is lent once it fits.
func TestWhatIsSettledFitsIntoACommit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{commitmeta.Limit, commitmeta.Limit / 4, 300}).Draw(t, "limit")
		step := rapid.SampledFrom([]int{1, 3, 70, 500, 20_000}).Draw(t, "step")
		odds := rapid.IntRange(1, 20).Draw(t, "odds")
		draws := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		d := NewDispatch(Ordered, 1<<20, 1<<30)
		d.Add(sparse, &LeaseCounts{})
		m, l := d.Attach("m", time.Time{}, func() {}), d.Ledger(sparse)
		l.Reach(commitmeta.Room(limit))
		lent, held := map[int64]bool{}, []int64(nil)
		var last int64
		const records = 4000
		for range records {
			last += 1 + int64(draws.IntN(step))
			l.Append(recordAt(sparse, last, 1))
			for {
				delivery, ok := l.Lend(m, time.Time{}, true)
				if !ok {
					break
				}
				lent[delivery.Offset] = true
				held = append(held, delivery.Offset)
			}
			if len(held) > 1 && draws.IntN(odds) > 0 {
				i := 1 + draws.IntN(len(held)-1)
				l.Accept(m, held[i])
				held = slices.Delete(held, i, i+1)
			}
			if len(l.reach.ahead) > 0 { // it is full: the oldest goes
				s := l.Settlements()
				if _, left := commitmeta.Encode(s.Position, &commitmeta.Map{Above: s.Above, At: time.Unix(1, 0)}, limit); left > 0 {
					t.Fatalf("%d ranges of %d are left out", left, len(s.Above))
				}
				l.Accept(m, held[0])
				held = held[1:]
			}
		}
		for len(held) > 0 {
			l.Accept(m, held[0])
			held = held[1:]
			for delivery, ok := l.Lend(m, time.Time{}, true); ok; delivery, ok = l.Lend(m, time.Time{}, true) {
				lent[delivery.Offset] = true
				held = append(held, delivery.Offset)
			}
		}
		if len(lent) != records || l.Position() != last+1 || l.tallies.bytes != 0 || l.reach.above != 0 {
			t.Fatalf("%d records were lent, the position is %d of %d, %d bytes are left", len(lent), l.Position(), last+1, l.tallies.bytes)
		}
	})
}

// Settled records with markers of transactions between them are one range.
func TestOffsetsWithoutARecordCountAsSettled(t *testing.T) {
	t.Parallel()
	d := NewDispatch(Ordered, 100, 1<<20)
	d.Add(sparse, &LeaseCounts{})
	m, l := d.Attach("m", time.Time{}, func() {}), d.Ledger(sparse)
	for _, at := range []int64{10, 11, 13, 14, 16, 17, 19} {
		l.Append(recordAt(sparse, at, 1))
		l.Lend(m, time.Time{}, true)
	}
	before := l.Version()
	for _, at := range []int64{11, 13, 14, 17, 19} {
		l.Accept(m, at)
	}
	s := l.Settlements()
	if want := []commitmeta.Range{{From: 11, To: 15}, {From: 17, To: 20}}; s.Position != 10 || !slices.Equal(s.Above, want) {
		t.Errorf("%+v, want %v above 10", s, want)
	}
	if before == l.Version() {
		t.Error("the version does not tell that something was settled")
	}
	heir := NewLedger(&LeaseCounts{})
	heir.Inherit(s)
	for _, at := range []int64{10, 11, 13, 16, 17, 19, 20} {
		heir.Append(recordAt(sparse, at, 1))
	}
	if s := heir.Settlements(); s.Position != 10 || heir.tallies.ready != 3 {
		t.Errorf("%d ready, %+v", heir.tallies.ready, s)
	}
}

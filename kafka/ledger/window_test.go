package ledger

import (
	"testing"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// A member that asks for many clients has the windows of as many; each partition has its own all the same.
func TestASeatMayHaveManyWindows(t *testing.T) {
	t.Parallel()
	for windows, want := range map[int]int{0: 4, 1: 4, 2: 8, 9: 9} {
		d := NewDispatch(Ordered, 4, 1<<20)
		for p := range int32(3) {
			tp := record.TopicPartition{Topic: "t", Partition: p}
			d.Add(tp, &LeaseCounts{})
			for offset := range int64(3) {
				d.Ledger(tp).Append(recordAt(tp, offset, 1))
			}
		}
		s := d.Attach("many", dawn, func() {})
		s.windows = windows
		if lent, err := d.Lend(s, dawn, 100, 1<<20, nil); len(lent) != want || err != nil {
			t.Errorf("%d windows: %d records, %v", windows, len(lent), err)
		}
	}
}

func TestEveryBookHasItsNumber(t *testing.T) {
	t.Parallel()
	d, tp := NewDispatch(Ordered, 4, 1<<20), record.TopicPartition{Topic: "t", Partition: 0}
	s := d.Attach("one", dawn, func() {})
	numbers := map[uint64]bool{}
	for range 3 {
		d.Add(tp, &LeaseCounts{})
		d.Ledger(tp).Append(recordAt(tp, 0, 1))
		d.Ledger(tp).Append(recordAt(tp, 1, 1))
		lent, _ := d.Lend(s, dawn, 2, 1<<20, nil)
		if len(lent) != 2 || lent[0].Generation != lent[1].Generation || numbers[lent[0].Generation] {
			t.Fatalf("%+v", lent)
		}
		numbers[lent[0].Generation] = true
		d.Remove(tp)
	}
}

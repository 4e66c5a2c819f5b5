package ledger

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Check compares what is counted with a recount.
func (w *sharedWalk) Check(t *rapid.T) {
	if !w.lending.balanced() {
		t.Fatalf("the leases do not balance: %+v", *w.lending)
	}
	for tp, records := range w.records {
		l := w.dispatch.Ledger(tp)
		var failing, leasedNow, dyingNow int
		for offset, r := range records {
			if r.state != settled && offset < l.Position() {
				t.Fatalf("the position %d is above %d, which is not settled", l.Position(), offset)
			}
			switch r.state {
			case leased:
				leasedNow++
			case dying:
				dyingNow++
			case ready, waiting, settled:
			}
			if r.failed > 0 && r.state != settled {
				failing++
			}
		}
		got := l.tallies
		if got.failing != failing || got.leased != leasedNow || got.dying != dyingNow {
			t.Fatalf("%s is counted as %+v: want %d failing, %d leased, %d dying", tp, got, failing, leasedNow, dyingNow)
		}
	}
	for _, s := range w.members {
		owed := 0
		for _, records := range w.records {
			for _, r := range records {
				if r.owner == s && r.state != settled {
					owed++
				}
			}
		}
		if s.owed != owed {
			t.Fatalf("%s owes %d, want %d", s.Name, s.owed, owed)
		}
	}
}

func TestSharedPartitions(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{Keyed, Shared} {
		for _, extent := range []Extent{ThePartition, TheKey, OnlyItself} {
			t.Run(fmt.Sprint(order, extent), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) {
					w := newSharedWalk(order, extent)
					t.Repeat(map[string]func(*rapid.T){
						"": w.Check, "feed": w.Feed, "ask": w.Ask, "ask again": w.Ask, "accept": w.Accept, "through": w.AcceptThrough,
						"retry": w.Retry, "give up": w.GiveUp, "bury": w.Bury, "reconnect": w.Reconnect, "die": w.Die, "wait": w.Wait,
						"move": w.Move,
					})
					w.settleAll(t)
				})
			})
		}
	}
}

// settleAll settles everything: nothing may be left.
func (w *sharedWalk) settleAll(t *rapid.T) {
	for range 1000 {
		w.now = w.now.Add(walkGrace)
		w.Bury(t)
		for _, s := range w.members {
			lent, _ := w.dispatch.Lend(s, w.now, 10, 1<<20, nil)
			for _, d := range lent {
				r := w.records[d.TopicPartition][d.Offset]
				r.state, r.owner, r.mine = leased, s, false
			}
			w.dispatch.StopWaiting(s)
		}
		for tp, records := range w.records {
			for offset, r := range records {
				if r.state == leased && w.dispatch.Ledger(tp).Accept(r.owner, offset) {
					r.state, r.owner = settled, nil
				}
			}
		}
	}
	for tp, records := range w.records {
		for offset, r := range records {
			if r.state != settled {
				t.Fatalf("%s:%d is never lent: %+v, %+v", tp, offset, r, w.dispatch.Ledger(tp).tallies)
			}
		}
		if n := len(w.dispatch.Ledger(tp).keys); n != 0 {
			t.Fatalf("%d keys are still remembered", n)
		}
	}
}

// A record whose time has come is no reason to look again at once: somebody must ask for it first.
func TestARecordThatIsDueIsNotDueNext(t *testing.T) {
	tp := record.TopicPartition{Topic: "t"}
	d := NewDispatch(Shared, 40, 1<<20)
	d.Add(tp, &LeaseCounts{})
	s := d.Attach("a", dawn, nobody)
	d.Ledger(tp).Append(recordAt(tp, 0, 1))
	if lent, err := d.Lend(s, dawn, 1, 1<<20, nil); err != nil || len(lent) != 1 {
		t.Fatal(lent, err)
	}
	due := dawn.Add(time.Second)
	d.Ledger(tp).Retry(s, 0, dawn, due, OnlyItself, true)
	if next := d.NextDue(dawn); !next.Equal(due) {
		t.Errorf("next due at %v, not at %v", next, due)
	}
	if next := d.NextDue(due.Add(time.Second)); !next.IsZero() {
		t.Errorf("next due at %v, although that is over", next)
	}
	if lent, err := d.Lend(s, due.Add(time.Second), 1, 1<<20, nil); err != nil || len(lent) != 1 || lent[0].Attempt != 2 {
		t.Error(lent, err)
	}
}

// Many records of a key that is in somebody's hands are no reason to lend no others: none has failed.
func TestABusyKeyIsNoCrowd(t *testing.T) {
	tp := record.TopicPartition{Topic: "t"}
	d := NewDispatch(Keyed, 40, 1<<20)
	d.Add(tp, &LeaseCounts{})
	s := d.Attach("a", dawn, nobody)
	for offset := range int64(30) {
		r := recordAt(tp, offset, 1)
		r.Key = []byte("busy")
		if offset == 29 {
			r.Key = []byte("other")
		}
		d.Ledger(tp).Append(r)
	}
	lent, err := d.Lend(s, dawn, 2, 1<<20, nil)
	if err != nil || len(lent) != 2 || lent[1].Offset != 29 {
		t.Fatalf("lent %+v %v", lent, err)
	}
	if _, stopped := d.Ledger(tp).Stopped(dawn); stopped {
		t.Error("stopped")
	}
}

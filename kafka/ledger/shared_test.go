package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// sharedWalk drives a dispatch whose members share the partitions, and remembers of each record what must hold.
type sharedWalk struct {
	dispatch *Dispatch
	lending  *LeaseCounts
	records  map[record.TopicPartition]map[int64]*sharedRecord
	members  map[string]*Member
	now      time.Time
	ends     int64
	order    Order
	extent   Extent
}

type sharedRecord struct {
	key     string // empty: none
	state   state
	owner   *Member
	mine    bool // it may only go to its owner again
	failed  int
	due     time.Time
	blocks  bool // its extent waits, or it waits itself
	suspect bool
	deaths  int
}

func newSharedWalk(order Order, extent Extent) *sharedWalk {
	w := &sharedWalk{
		dispatch: NewDispatch(order, 40, 1<<20), lending: &LeaseCounts{}, members: map[string]*Member{}, now: dawn,
		records: map[record.TopicPartition]map[int64]*sharedRecord{}, order: order, extent: extent,
	}
	for p := range int32(2) {
		tp := record.TopicPartition{Topic: "t", Partition: p}
		w.dispatch.Add(tp, w.lending)
		w.dispatch.Partition(tp).SetBlocks(extent)
		w.records[tp] = map[int64]*sharedRecord{}
	}
	for i := range 4 {
		name := fmt.Sprint("member", i)
		w.members[name] = w.dispatch.Attach(name, w.now, nobody)
	}
	return w
}

func (w *sharedWalk) Feed(t *rapid.T) {
	tp := record.TopicPartition{Topic: "t", Partition: rapid.Int32Range(0, 1).Draw(t, "partition")}
	for range rapid.IntRange(0, w.dispatch.Wants(w.dispatch.Partition(tp))).Draw(t, "records") {
		w.ends += rapid.Int64Range(1, 3).Draw(t, "gap")
		r := recordAt(tp, w.ends, 1)
		key := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "key")
		if key != "" {
			r.Key = []byte(key)
		}
		w.dispatch.Ledger(tp).Append(r)
		w.records[tp][r.Offset] = &sharedRecord{key: key}
	}
}

func (w *sharedWalk) member(t *rapid.T) *Member {
	return w.members[rapid.SampledFrom(slices.Sorted(maps.Keys(w.members))).Draw(t, "member")]
}

func (w *sharedWalk) Ask(t *rapid.T) {
	s := w.member(t)
	lent, err := w.dispatch.Lend(s, w.now, rapid.IntRange(1, 6).Draw(t, "limit"), 1<<20, nil)
	var window *WindowError
	if err != nil && !errors.As(err, &window) {
		t.Fatal(err)
	}
	for i := range lent {
		d := &lent[i]
		r := w.records[d.TopicPartition][d.Offset]
		if why := w.forbids(d.TopicPartition, d.Offset, r, s); why != "" {
			t.Fatalf("lent %s:%d, but %s", d.TopicPartition, d.Offset, why)
		}
		if r.suspect && len(lent) > 1 {
			t.Fatalf("the suspect %d is lent with %d others", d.Offset, len(lent)-1)
		}
		if d.Attempt != 1+r.failed {
			t.Fatalf("attempt %d of %d, want %d", d.Attempt, d.Offset, 1+r.failed)
		}
		r.state, r.owner, r.mine, r.due = leased, s, false, time.Time{}
	}
	if len(lent) == 0 && err == nil && !w.dispatch.window.brimming(s) {
		w.checkNothingFor(t, s)
	}
	w.dispatch.StopWaiting(s)
}

// forbids says why a record may not be lent to the member, empty when it may.
func (w *sharedWalk) forbids(tp record.TopicPartition, offset int64, r *sharedRecord, s *Member) string {
	switch {
	case r == nil || r.state != ready:
		return "it is not to be lent"
	case r.mine && r.owner != s:
		return "it is for its owner"
	case w.now.Before(r.due):
		return "it is not due"
	}
	for other, o := range w.records[tp] {
		same := r.key != "" && o.key == r.key && other != offset
		switch {
		case same && w.order == Keyed && o.state == leased:
			return fmt.Sprintf("%d of its key is lent", other)
		case same && other < offset && o.state == dying && w.extent == TheKey:
			return fmt.Sprintf("%d of its key is dying", other)
		case same && other < offset && o.failed > 0 && o.blocks && o.state != settled && w.extent == TheKey:
			return fmt.Sprintf("%d of its key has failed", other)
		case same && other < offset && w.order == Keyed && o.state == ready && w.extent != OnlyItself:
			return fmt.Sprintf("%d of its key comes first", other)
		case other < offset && (o.state == dying || o.state == ready && w.now.Before(o.due)) && w.extent == ThePartition:
			return fmt.Sprintf("its partition waits for %d", other)
		}
	}
	return ""
}

func (w *sharedWalk) checkNothingFor(t *rapid.T, s *Member) {
	for tp, records := range w.records {
		l := w.dispatch.Ledger(tp)
		if l.crowded() {
			continue
		}
		for offset, r := range records {
			if w.forbids(tp, offset, r, s) == "" && !w.mayWaitForKey(tp, offset, r) {
				t.Fatalf("%s was lent nothing, although %s:%d is there: %+v", s.Name, tp, offset, r)
			}
		}
	}
}

// mayWaitForKey tells whether another record of the key is there that may come first, where failed ones let others pass.
func (w *sharedWalk) mayWaitForKey(tp record.TopicPartition, offset int64, r *sharedRecord) bool {
	for other, o := range w.records[tp] {
		if w.order == Keyed && w.extent == OnlyItself && r.key != "" && o.key == r.key && other != offset && o.state != settled {
			return true
		}
	}
	return false
}

// held draws a record in somebody's hands.
func (w *sharedWalk) held(t *rapid.T) (record.TopicPartition, int64, *sharedRecord) {
	type place struct {
		tp     record.TopicPartition
		offset int64
	}
	var all []place
	for tp, records := range w.records {
		for offset, r := range records {
			if r.state == leased {
				all = append(all, place{tp, offset})
			}
		}
	}
	if len(all) == 0 {
		t.Skip("nothing is lent")
	}
	slices.SortFunc(all, func(a, b place) int { return int(a.offset - b.offset) })
	at := rapid.SampledFrom(all).Draw(t, "record")
	return at.tp, at.offset, w.records[at.tp][at.offset]
}

func (w *sharedWalk) Accept(t *rapid.T) {
	tp, offset, r := w.held(t)
	if !w.dispatch.Ledger(tp).Accept(r.owner, offset) {
		t.Fatal("not accepted")
	}
	r.state, r.owner = settled, nil
}

func (w *sharedWalk) AcceptThrough(t *rapid.T) {
	tp, offset, r := w.held(t)
	n, s := 0, r.owner
	for at, o := range w.records[tp] {
		if o.owner == s && o.state != settled && at <= offset {
			o.state, o.owner, o.mine = settled, nil, false
			n++
		}
	}
	if got := w.dispatch.Ledger(tp).AcceptThrough(s, offset); got != n {
		t.Fatalf("%d accepted, want %d", got, n)
	}
}

func (w *sharedWalk) Retry(t *rapid.T) {
	tp, offset, r := w.held(t)
	r.due = w.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
	if !w.dispatch.Ledger(tp).Retry(r.owner, offset, w.now, r.due, w.extent, true) {
		t.Fatal("not released")
	}
	r.state, r.owner, r.blocks = ready, nil, w.extent != OnlyItself
	r.failed++
}

func (w *sharedWalk) GiveUp(t *rapid.T) {
	tp, offset, r := w.held(t)
	if !w.dispatch.Ledger(tp).GiveUp(r.owner, offset, w.now, w.extent, rapid.Bool().Draw(t, "rejected")) {
		t.Fatal("not given up")
	}
	r.state, r.owner, r.blocks = dying, nil, true
	r.failed++
}

func (w *sharedWalk) Bury(t *rapid.T) {
	for tp, records := range w.records {
		for offset, r := range records {
			if r.state != dying {
				continue
			}
			d, _, dying := w.dispatch.Ledger(tp).Dying(offset)
			if !dying || d.Attempt != r.failed || !w.dispatch.Ledger(tp).Bury(offset) {
				t.Fatalf("%d is not dying: %+v", offset, d)
			}
			r.state = settled
		}
	}
}

// Reconnect ends the client of a member; another of its name comes.
func (w *sharedWalk) Reconnect(t *rapid.T) {
	s := w.member(t)
	w.dispatch.Detach(s, w.now, w.now.Add(walkGrace))
	w.die(s)
	for _, records := range w.records {
		for _, r := range records {
			if r.owner == s && r.state == leased {
				r.state, r.mine = ready, true
			}
		}
	}
	w.members[s.Name] = w.dispatch.Attach(s.Name, w.now, nobody)
}

// Die ends the client of a member, and nobody of its name comes.
func (w *sharedWalk) Die(t *rapid.T) {
	s := w.member(t)
	w.dispatch.Detach(s, w.now, w.now)
	w.die(s)
	if !slices.Contains(w.dispatch.Expire(w.now), s) {
		t.Fatal("still there")
	}
	for _, records := range w.records {
		for _, r := range records {
			if r.owner == s {
				r.owner, r.mine = nil, false
				r.state = ready
			}
		}
	}
	w.members[s.Name] = w.dispatch.Attach(s.Name, w.now, nobody)
}

func (w *sharedWalk) die(s *Member) {
	for _, records := range w.records {
		first := int64(-1)
		for offset, r := range records {
			if r.owner == s && r.state == leased && (first < 0 || offset < first) {
				first = offset
			}
		}
		if first < 0 {
			continue
		}
		records[first].failed++
		records[first].deaths++
		for _, r := range records {
			if r.owner == s && r.state == leased && records[first].deaths > 1 {
				r.suspect = true
			}
		}
	}
}

func (w *sharedWalk) Wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
}

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

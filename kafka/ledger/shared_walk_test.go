package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
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

// Move takes the partitions away, as a crash or a rebalance does. Whoever has them next knows what was committed: what is settled,
// and what has failed how often. All other records come again.
func (w *sharedWalk) Move(t *rapid.T) {
	for _, tp := range slices.SortedFunc(maps.Keys(w.records), func(a, b record.TopicPartition) int { return int(a.Partition - b.Partition) }) {
		known := w.dispatch.Ledger(tp).Settlements()
		text, left := commitmeta.Encode(known.Position, &commitmeta.Map{Above: known.Above, Failing: known.Failing, At: w.now}, commitmeta.Limit)
		m, ours := commitmeta.Decode(known.Position, text)
		if left > 0 || !ours && text != "" {
			t.Fatalf("%d are left out of %q", left, text)
		}
		w.dispatch.Remove(tp)
		w.dispatch.Add(tp, w.lending)
		w.dispatch.Partition(tp).SetBlocks(w.extent)
		l := w.dispatch.Ledger(tp)
		l.Inherit(Settlements{Position: known.Position, Above: m.Above, Failing: m.Failing})
		for _, offset := range slices.Sorted(maps.Keys(w.records[tp])) {
			w.comesAgain(tp, l, offset, known.Position)
		}
	}
}

func (w *sharedWalk) comesAgain(tp record.TopicPartition, l *Ledger, offset, from int64) {
	r := w.records[tp][offset]
	if r.state != settled {
		r.state, r.owner, r.mine, r.suspect = ready, nil, false, false
		r.blocks = r.failed > 0 && w.extent != OnlyItself
	}
	if offset < from {
		return
	}
	again := recordAt(tp, offset, 1)
	if r.key != "" {
		again.Key = []byte(r.key)
	}
	l.Append(again)
}

func (w *sharedWalk) Wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
}

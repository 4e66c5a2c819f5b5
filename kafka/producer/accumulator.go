package producer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// accumulator is where records of a profile wait that librdkafka should not have yet, in the order in which
// sessions pushed them: those for which its queue has no room, and delivered ones while others are under way.
//
// The latter keeps librdkafka from spinning. An idempotent producer sends nothing more to a partition in which
// five records are under way, and its thread polls without a pause when others wait that need not linger.
type accumulator struct {
	producer *producer
	waits    bool         // for reports of what is under way
	largest  atomic.Int64 // bytes of a record that may come here
	gone     atomic.Int64 // the ticket of the last batch that was handed over whole
	held     atomic.Int64 // bytes that wait
	stuck    atomic.Bool  // librdkafka's queue had no room for some of them
	lost     sharedLossLog

	mu      sync.Mutex // guards what follows
	idle    sync.Cond  // nobody is moving
	moving  bool       // somebody hands over what waited, without the lock
	given   int64      // the last ticket
	records int        // that wait, but for those that came back
	waiting []batch
	spare   []batch     // the memory of those that have gone
	timer   *time.Timer // calls late
	timed   bool        // it will
}

// batch is records of one topic, packed.
type batch struct {
	topic  *topic
	packed []byte
	ticket int64 // of the last push that is in it
}

const (
	fewUnderway  = 5                    // that keep no others from being sent: RD_KAFKA_IDEMP_MAX_INFLIGHT
	manyUnderway = 128                  // beyond which none wait
	manyRecords  = 64                   // that do not wait
	longestWait  = 5 * time.Millisecond // as long as librdkafka lingers by default
	mostHeld     = 8 << 20              // bytes, beyond which sessions are told to wait
)

func newAccumulator(p *producer, waits bool) *accumulator {
	a := &accumulator{producer: p, waits: waits}
	a.idle.L = &a.mu
	a.timer = time.AfterFunc(time.Hour, a.late)
	a.timer.Stop()
	return a
}

// full tells sessions to wait.
func (a *accumulator) full() bool { return a.stuck.Load() || a.held.Load() > mostHeld }

// ready tells whether what is handed over now is sent now, or whether so much is under way that a little spinning
// costs each record less than to come late for the next request.
func (a *accumulator) ready() bool {
	if !a.waits {
		return true
	}
	n := a.producer.handle.Load().Underway()
	return n < fewUnderway || n >= manyUnderway
}

// passed tells whether all that the session left here has been handed over, so that more may follow it directly.
func (a *accumulator) passed(g *sessionBatch) bool { return g.left <= a.gone.Load() }

// send hands over what a session gathered, or keeps a copy of it until it should go.
func (a *accumulator) send(g *sessionBatch) {
	packed := *g.packed
	if a.passed(g) && a.ready() {
		if packed = a.hand(g.topic, packed); len(packed) == 0 {
			return
		}
	}
	if a.keep(g, packed) >= manyRecords || a.ready() { // reports may have come meanwhile, and have found nothing here
		a.move(false)
	}
}

// admit takes records of this profile that were held at the gate, behind those that sessions pushed before. When
// librdkafka's queue has no room for them they wait, and sessions with them: none of theirs may go before.
func (a *accumulator) admit(t *topic, held []heldRecord) {
	tally, packed, all, n, bytes := &t.row.tallies[a.producer.index], []byte(nil), 0, 0, 0
	for i := range held {
		r := &held[i]
		if r.producer != a.producer {
			continue
		}
		packed = librdkafka.PackRecord(packed, r.key, r.value, r.opaque, r.details)
		all++
		if !r.counted {
			tally.take(r.size())
			n, bytes = n+1, bytes+r.size()
		}
	}
	if all > 0 {
		a.producer.load(t.accounts, int64(n), int64(bytes))
		a.keep(&sessionBatch{topic: t, records: all}, packed)
		a.producer.held.Add(int64(-n))
		a.move(true)
	}
}

// keep keeps a copy, and returns how many records wait.
func (a *accumulator) keep(g *sessionBatch, packed []byte) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given++
	g.left = a.given
	b := a.last(g.topic)
	b.packed, b.ticket = append(b.packed, packed...), a.given
	a.held.Add(int64(len(packed)))
	a.records += g.records
	a.time()
	return a.records
}

// last is the batch at the end, of the topic. The lock is held.
func (a *accumulator) last(t *topic) *batch {
	n := len(a.waiting)
	if n > 0 && a.waiting[n-1].topic == t {
		return &a.waiting[n-1]
	}
	if n == cap(a.waiting) {
		a.waiting = append(a.waiting, batch{})
	}
	a.waiting = a.waiting[:n+1] // with the memory of a batch that has gone
	b := &a.waiting[n]
	b.topic, b.packed = t, b.packed[:0]
	return b
}

// time has what waits looked at again before long. The lock is held.
func (a *accumulator) time() {
	if !a.timed {
		a.timed = true
		a.timer.Reset(longestWait)
	}
}

func (a *accumulator) late() {
	a.mu.Lock()
	a.timed = false
	a.mu.Unlock()
	a.move(false)
}

// reported says that there are fewer records under way.
func (a *accumulator) reported() {
	if a.held.Load() > 0 && a.ready() {
		a.move(false)
	}
}

// move hands over what waits, unless somebody else does already. With all it waits for that, and does not stop
// where it would be better to wait for reports.
func (a *accumulator) move(all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for all && a.moving {
		a.idle.Wait()
	}
	if a.moving {
		return
	}
	a.moving = true
	for len(a.waiting) > 0 && a.shift() && (all || a.ready()) {
	}
	a.moving = false
	a.idle.Broadcast()
}

// shift hands over what waits now; false when librdkafka's queue has no room for all of it. The lock is held,
// but not meanwhile.
func (a *accumulator) shift() bool {
	batches := a.waiting
	a.waiting, a.spare, a.records = a.spare, nil, 0
	a.mu.Unlock()
	n := 0
	for ; n < len(batches) && a.pass(&batches[n]); n++ {
	}
	a.mu.Lock()
	a.stuck.Store(n < len(batches))
	if n < len(batches) {
		a.waiting = append(batches[n:], a.waiting...)
		a.time()
		return false
	}
	a.spare = batches[:0]
	return true
}

// pass hands over a batch; false when some of it is left.
func (a *accumulator) pass(b *batch) bool {
	rest := a.hand(b.topic, b.packed)
	a.held.Add(int64(len(rest) - len(b.packed)))
	if len(rest) > 0 {
		b.packed = rest
		return false
	}
	a.gone.Store(b.ticket)
	return true
}

// hand gives librdkafka packed records of a topic. It returns those for which there was no room; what is not
// taken for another reason has ended.
func (a *accumulator) hand(t *topic, packed []byte) (rest []byte) {
	for len(packed) > 0 {
		taken, code, err := a.producer.producePacked(t.name, packed)
		packed = packed[taken:]
		switch {
		case err == nil && code == librdkafka.None:
			continue
		case err == nil && code == librdkafka.QueueFull:
			return packed
		}
		r, size := librdkafka.UnpackRecord(packed)
		if err != nil || !uncertain(code) || !a.giveBack(t, &r, packed[:size], code) {
			a.end(t, &r, a.producer.producers.untaken(t, code, err, r.Partition))
		}
		packed = packed[size:]
	}
	return packed
}

// giveBack returns a record whose topic, or partition, the producer does not know; false when it is too late.
func (a *accumulator) giveBack(t *topic, r *librdkafka.PackedRecord, packed []byte, code librdkafka.Code) bool {
	key, value, details := r.Open(packed)
	held := heldRecord{producer: a.producer, key: key, value: value, details: details, opaque: r.Opaque, since: time.Now(), counted: true}
	return a.producer.producers.giveBack(returned{t, held, code})
}

// end tells a session why a record was not taken.
func (a *accumulator) end(t *topic, r *librdkafka.PackedRecord, failure *Error) {
	t.row.tallies[a.producer.index].end(failure.Outcome, 1)
	a.producer.unload(t.accounts, 1, int64(r.Payload()))
	a.lost.note(a.producer.log, failure)
	a.producer.producers.tell(&librdkafka.Report{Opaque: r.Opaque, Partition: r.Partition, Offset: -1, Timestamp: -1}, failure)
}

// finish hands over what waits until ctx ends.
func (a *accumulator) finish(ctx context.Context) {
	tick := time.NewTicker(longestWait)
	defer tick.Stop()
	for a.move(true); a.held.Load() > 0; a.move(true) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

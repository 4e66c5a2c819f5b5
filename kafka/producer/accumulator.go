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
	passedOn atomic.Int64 // the number of the last push that was handed over whole
	held     atomic.Int64 // bytes that wait
	stuck    atomic.Bool  // librdkafka's queue had no room for some of them
	lost     sharedLossLog

	mu      sync.Mutex // guards what follows
	idle    sync.Cond  // nobody is moving
	moving  bool       // somebody hands over what waited, without the lock
	waiting batchQueue
	timer   *time.Timer // calls late
	timed   bool        // it will
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
func (a *accumulator) passed(g *sessionBatch) bool { return g.lastPush <= a.passedOn.Load() }

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
	counters, packed, all, n, bytes := &t.row.profiles[a.producer.index], []byte(nil), 0, 0, 0
	for i := range held {
		r := &held[i]
		if r.producer != a.producer {
			continue
		}
		packed = librdkafka.PackRecord(packed, r.key, r.value, r.opaque, r.details)
		all++
		if !r.counted {
			counters.accept(r.size())
			n, bytes = n+1, bytes+r.size()
		}
	}
	if all > 0 {
		a.producer.load(t.topicCounters, int64(n), int64(bytes))
		a.keep(&sessionBatch{topic: t, records: all}, packed)
		a.producer.held.Add(int64(-n))
		a.move(true)
	}
}

// keep keeps a copy, and returns how many records wait.
func (a *accumulator) keep(g *sessionBatch, packed []byte) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	g.lastPush = a.waiting.push(g.topic, packed, g.records)
	a.held.Add(int64(len(packed)))
	a.time()
	return a.waiting.records
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
	for !a.waiting.empty() && a.shift() && (all || a.ready()) {
	}
	a.moving = false
	a.idle.Broadcast()
}

// shift hands over what waits now; false when librdkafka's queue has no room for all of it. The lock is held,
// but not meanwhile.
func (a *accumulator) shift() bool {
	batches := a.waiting.takeAll()
	a.mu.Unlock()
	n := 0
	for ; n < len(batches) && a.pass(&batches[n]); n++ {
	}
	a.mu.Lock()
	a.stuck.Store(n < len(batches))
	if n < len(batches) {
		a.waiting.putBack(batches[n:])
		a.time()
		return false
	}
	a.waiting.reuse(batches)
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
	a.passedOn.Store(b.push)
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
	t.row.profiles[a.producer.index].end(failure.Outcome, 1)
	a.producer.unload(t.topicCounters, 1, int64(r.Payload()))
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

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
	producer        *producer
	waitsForReports bool         // for reports of what is under way
	maxRecord       atomic.Int64 // bytes of a record that may come here
	lastHandedOver  atomic.Int64 // the number of the last push that was handed over whole
	held            atomic.Int64 // bytes that wait
	queueFull       atomic.Bool  // librdkafka's queue had no room for some of them
	lost            sharedLossLog

	mu        sync.Mutex // guards what follows
	idle      sync.Cond  // nobody is moving
	draining  bool       // somebody hands over what waited, without the lock
	waiting   batchQueue
	timer     *time.Timer // calls late
	timerRuns bool        // it will
}

const (
	fewUnderway  = 5                    // that keep no others from being sent: RD_KAFKA_IDEMP_MAX_INFLIGHT
	manyUnderway = 128                  // beyond which none wait
	manyRecords  = 64                   // that do not wait
	maxWait      = 5 * time.Millisecond // as long as librdkafka lingers by default
	maxHeld      = 8 << 20              // bytes, beyond which sessions are told to wait
)

func newAccumulator(p *producer, waits bool) *accumulator {
	a := &accumulator{producer: p, waitsForReports: waits}
	a.idle.L = &a.mu
	a.timer = time.AfterFunc(time.Hour, a.onTimer)
	a.timer.Stop()
	return a
}

// full tells sessions to wait.
func (a *accumulator) full() bool { return a.queueFull.Load() || a.held.Load() > maxHeld }

// ready tells whether what is handed over now is sent now, or whether so much is under way that a little spinning
// costs each record less than to come late for the next request.
func (a *accumulator) ready() bool {
	if !a.waitsForReports {
		return true
	}
	n := a.producer.handle.Load().Underway()
	return n < fewUnderway || n >= manyUnderway
}

// passed tells whether all that the session left here has been handed over, so that more may follow it directly.
func (a *accumulator) handedOver(g *sessionBatch) bool { return g.lastPush <= a.lastHandedOver.Load() }

// send hands over what a session gathered, or keeps a copy of it until it should go.
func (a *accumulator) send(g *sessionBatch) {
	packed := *g.packed
	if a.handedOver(g) && a.ready() {
		if packed = a.handOver(g.topic, packed); len(packed) == 0 {
			return
		}
	}
	if a.keep(g, packed) >= manyRecords || a.ready() { // reports may have come meanwhile, and have found nothing here
		a.drain(false)
	}
}

// admit takes records of this profile that were held at the gate, behind those that sessions pushed before. When
// librdkafka's queue has no room for them they wait, and sessions with them: none of theirs may go before.
func (a *accumulator) addHeld(t *topic, held []heldRecord) {
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
		a.drain(true)
	}
}

// keep keeps a copy, and returns how many records wait.
func (a *accumulator) keep(g *sessionBatch, packed []byte) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	g.lastPush = a.waiting.push(g.topic, packed, g.records)
	a.held.Add(int64(len(packed)))
	a.startTimer()
	return a.waiting.records
}

// time has what waits looked at again before long. The lock is held.
func (a *accumulator) startTimer() {
	if !a.timerRuns {
		a.timerRuns = true
		a.timer.Reset(maxWait)
	}
}

func (a *accumulator) onTimer() {
	a.mu.Lock()
	a.timerRuns = false
	a.mu.Unlock()
	a.drain(false)
}

// reported says that there are fewer records under way.
func (a *accumulator) reported() {
	if a.held.Load() > 0 && a.ready() {
		a.drain(false)
	}
}

// move hands over what waits, unless somebody else does already. With all it waits for that, and does not stop
// where it would be better to wait for reports.
func (a *accumulator) drain(all bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for all && a.draining {
		a.idle.Wait()
	}
	if a.draining {
		return
	}
	a.draining = true
	for !a.waiting.empty() && a.drainBatches() && (all || a.ready()) {
	}
	a.draining = false
	a.idle.Broadcast()
}

// shift hands over what waits now; false when librdkafka's queue has no room for all of it. The lock is held,
// but not meanwhile.
func (a *accumulator) drainBatches() bool {
	batches := a.waiting.takeAll()
	a.mu.Unlock()
	n := 0
	for ; n < len(batches) && a.handOverBatch(&batches[n]); n++ {
	}
	a.mu.Lock()
	a.queueFull.Store(n < len(batches))
	if n < len(batches) {
		a.waiting.putBack(batches[n:])
		a.startTimer()
		return false
	}
	a.waiting.reuse(batches)
	return true
}

// pass hands over a batch; false when some of it is left.
func (a *accumulator) handOverBatch(b *batch) bool {
	rest := a.handOver(b.topic, b.packed)
	a.held.Add(int64(len(rest) - len(b.packed)))
	if len(rest) > 0 {
		b.packed = rest
		return false
	}
	a.lastHandedOver.Store(b.push)
	return true
}

// hand gives librdkafka packed records of a topic. It returns those for which there was no room; what is not
// taken for another reason has ended.
func (a *accumulator) handOver(t *topic, packed []byte) (rest []byte) {
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
		if err != nil || !unknownTopicOrPartition(code) || !a.giveBack(t, &r, packed[:size], code) {
			a.end(t, &r, a.producer.producers.notTaken(t, code, err, r.Partition))
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
	a.producer.producers.reportEnd(&librdkafka.Report{Opaque: r.Opaque, Partition: r.Partition, Offset: -1, Timestamp: -1}, failure)
}

// finish hands over what waits until ctx ends.
func (a *accumulator) finish(ctx context.Context) {
	tick := time.NewTicker(maxWait)
	defer tick.Stop()
	for a.drain(true); a.held.Load() > 0; a.drain(true) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

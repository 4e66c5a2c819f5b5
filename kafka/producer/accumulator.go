package producer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// accumulator holds a profile's records that librdkafka should not have yet, in the order in which sessions pushed
// them. Records wait here while librdkafka's queue has no room. Delivered records wait here also while others are
// under way.
//
// The second wait keeps librdkafka's thread from spinning. An idempotent producer has at most five requests under way
// to a partition. While more records without a linger wait, its thread polls without a pause.
type accumulator struct {
	producer        *producer
	waitsForReports bool         // delivered records wait for reports
	maxRecord       atomic.Int64 // bytes of the largest record that may come here
	lastHandedOver  atomic.Int64 // the number of the last push that was handed over whole
	held            atomic.Int64 // bytes of the packed records that wait
	queueFull       atomic.Bool  // librdkafka's queue had no room for some records
	lost            sharedLossLog

	mu        sync.Mutex // guards what follows
	idle      sync.Cond  // nobody is draining
	draining  bool       // a goroutine hands over what waited, without the lock
	waiting   batchQueue
	timer     *time.Timer // calls onTimer
	timerRuns bool        // it will call
}

const (
	fewUnderway  = 5                    // with fewer records under way none wait (RD_KAFKA_IDEMP_MAX_INFLIGHT)
	manyUnderway = 128                  // with as many records under way none wait
	manyRecords  = 64                   // as many records together do not wait
	maxWait      = 5 * time.Millisecond // as long as librdkafka lingers by default
	maxHeld      = 8 << 20              // bytes; beyond, sessions must wait
)

func newAccumulator(p *producer, waits bool) *accumulator {
	a := &accumulator{producer: p, waitsForReports: waits}
	a.idle.L = &a.mu
	a.timer = time.AfterFunc(time.Hour, a.onTimer)
	a.timer.Stop()
	return a
}

// full tells whether sessions must wait before they produce.
func (a *accumulator) full() bool { return a.queueFull.Load() || a.held.Load() > maxHeld }

// ready tells whether to hand records over now. With few records under way, librdkafka sends them at once. With many,
// the spinning costs each record less than a late request.
func (a *accumulator) ready() bool {
	if !a.waitsForReports {
		return true
	}
	n := a.producer.handle.Load().Underway()
	return n < fewUnderway || n >= manyUnderway
}

// handedOver tells whether all records that the session left here have been handed over. Only then may the session
// hand records to librdkafka directly.
func (a *accumulator) handedOver(g *sessionBatch) bool { return g.lastPush <= a.lastHandedOver.Load() }

// send hands over what a session gathered, or keeps a copy for later.
func (a *accumulator) send(g *sessionBatch) {
	packed := *g.packed
	if a.handedOver(g) && a.ready() {
		if packed = a.handOver(g.topic, packed); len(packed) == 0 {
			return
		}
	}
	if a.keep(g, packed) >= manyRecords || a.ready() { // reports may have come before the copy was here
		a.drain(false)
	}
}

// addHeld takes this profile's records from the gate, behind all that sessions pushed before. The records wait here if
// librdkafka's queue has no room. Sessions then wait too, because no later record may go first.
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

// keep copies packed records to the end, and returns how many records wait.
func (a *accumulator) keep(g *sessionBatch, packed []byte) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	g.lastPush = a.waiting.add(g.topic, packed, g.records)
	a.held.Add(int64(len(packed)))
	a.startTimer()
	return a.waiting.records
}

// startTimer makes sure that records wait for maxWait at most. The lock is held.
func (a *accumulator) startTimer() {
	if !a.timerRuns {
		a.timerRuns = true
		a.timer.Reset(maxWait)
	}
}

// onTimer hands over what waits, although no report came.
func (a *accumulator) onTimer() {
	a.mu.Lock()
	a.timerRuns = false
	a.mu.Unlock()
	a.drain(false)
}

// reported is called when fewer records are under way.
func (a *accumulator) reported() {
	if a.held.Load() > 0 && a.ready() {
		a.drain(false)
	}
}

// drain hands over what waits, unless another goroutine does so already. With all it waits for that goroutine, and
// hands over also what is not ready.
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

// drainBatches hands over what waits now. It returns false if librdkafka's queue had no room for all. The lock is held
// before and after, and released meanwhile.
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

// handOverBatch hands over a batch, and returns false if some of it is left.
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

// handOver gives librdkafka packed records of a topic. It returns the records for which there was no room. A record
// that librdkafka refuses for another reason ends here, or goes back to the gate.
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

// giveBack returns a record to the gate, because the producer does not know its topic or partition. It returns false
// when the client is being closed.
func (a *accumulator) giveBack(t *topic, r *librdkafka.PackedRecord, packed []byte, code librdkafka.Code) bool {
	key, value, details := r.Open(packed)
	held := heldRecord{producer: a.producer, key: key, value: value, details: details, opaque: r.Opaque, since: time.Now(), counted: true}
	return a.producer.producers.giveBack(returned{t, held, code})
}

// end tells the session why a record was not taken.
func (a *accumulator) end(t *topic, r *librdkafka.PackedRecord, failure *Error) {
	t.row.profiles[a.producer.index].end(failure.Outcome, 1)
	a.producer.unload(t.topicCounters, 1, int64(r.Payload()))
	a.lost.note(a.producer.log, failure)
	a.producer.producers.reportEnd(&librdkafka.Report{Opaque: r.Opaque, Partition: r.Partition, Offset: -1, Timestamp: -1}, failure)
}

// finish hands over what waits, until all is gone or ctx ends.
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

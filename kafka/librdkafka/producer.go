package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// ErrClosed is returned by calls on a handle that is closed or closing.
var ErrClosed = errors.New("librdkafka: handle is closed")

// Producer is one librdkafka producer. Any goroutine may produce; Poll belongs to the one goroutine that reads the delivery
// reports.
type Producer struct {
	rk     *C.rd_kafka_t
	queue  *C.rd_kafka_queue_t
	signal *signal
	run    []Report // the reports that Poll hands over at a time

	underway atomic.Int64
	flusher  *C.sluice_flusher // nil when records do not linger
	crowded  atomic.Int64      // when many records were last reported at once, since start

	locks produceLocks // guard what follows, and rk: any of them to read, all of them to write

	retired bool // the producer takes no more records
	closed  bool // rk is gone
	topics  map[string]*C.rd_kafka_topic_t

	asking sync.RWMutex // held for reading by calls that wait for a broker; guards gone
	gone   bool         // rk is being destroyed
}

// produceLocks bound how many goroutines produce at once. More of them would wait for librdkafka's own locks, and each would
// hold a thread meanwhile.
type produceLocks [4]struct {
	sync.Mutex
	_ [56]byte // a cache line of its own
}

// of is the lock for the records of a session, which the upper half of an opaque names.
func (l *produceLocks) of(opaque uint64) *sync.Mutex {
	return &l[opaque>>32%uint64(len(l))].Mutex
}

func (l *produceLocks) lockAll() {
	for i := range l {
		l[i].Lock()
	}
}

func (l *produceLocks) unlockAll() {
	for i := range l {
		l[i].Unlock()
	}
}

// NewProducer creates a producer. No broker needs to be reachable.
func NewProducer(properties map[string]string) (*Producer, error) {
	s, err := newSignal()
	if err != nil {
		return nil, err
	}
	rk, err := open(C.RD_KAFKA_PRODUCER, properties, eventReport|eventError|eventLog|eventStats)
	if err != nil {
		s.close()
		return nil, err
	}
	p := &Producer{rk: rk, queue: C.rd_kafka_queue_get_main(rk), signal: s, run: make([]Report, 256), topics: map[string]*C.rd_kafka_topic_t{}}
	C.rd_kafka_queue_io_event_enable(p.queue, C.int(s.fd), unsafe.Pointer(&one[0]), 8)
	if lingers(properties) {
		p.flusher = C.sluice_flusher_start(rk)
	}
	return p, nil
}

func lingers(properties map[string]string) bool {
	linger, err := strconv.ParseFloat(properties["linger.ms"], 64)
	return err != nil || linger > 0
}

// countTaken counts n records that librdkafka took. When no others were under way they do not linger, unless many records
// were reported a moment ago: then more are about to come.
func (p *Producer) countTaken(n int64) {
	if p.underway.Add(n) == n && p.flusher != nil && time.Since(start)-time.Duration(p.crowded.Load()) > crowdMemory {
		flushSoon(p.flusher)
	}
}

// countReported notes that n records were reported at once. Records that were produced meanwhile do not linger, when both
// they and the reported ones are few.
func (p *Producer) countReported(n int64) {
	if p.flusher == nil {
		return
	}
	if n >= crowd {
		p.crowded.Store(int64(time.Since(start)))
	}
	if left := p.underway.Load(); n <= C.SLUICE_FEW && 0 < left && left <= C.SLUICE_FEW {
		flushSoon(p.flusher)
	}
}

const (
	crowd       = 16                    // records reported at once that are many
	crowdMemory = 20 * time.Millisecond // twice as long as buffered records linger
)

// start is the zero of monotonic times.
var start = time.Now()

// Underway is how many records were taken and not yet handed over as reports. It costs nothing, and may miss what is being
// taken and reported right now.
func (p *Producer) Underway() int { return int(p.underway.Load()) }

// addTopic makes the topic's handle, once.
func (p *Producer) addTopic(topic string) error {
	p.locks.lockAll()
	defer p.locks.unlockAll()
	if p.retired {
		return ErrClosed
	}
	if _, known := p.topics[topic]; known {
		return nil
	}
	name := C.CString(topic)
	defer C.free(unsafe.Pointer(name))
	rkt := C.rd_kafka_topic_new(p.rk, name, nil)
	if rkt == nil {
		return errorOf(C.rd_kafka_last_error())
	}
	p.topics[topic] = rkt
	return nil
}

// Wait returns when events may have come, and after limit.
func (p *Producer) Wait(limit time.Duration) { p.signal.wait(limit) }

// Wake ends a Wait early.
func (p *Producer) Wake() { p.signal.raise() }

// Poll takes the next event, Nothing when the queue is empty, and does not wait. Delivery reports are handed to each in
// runs, in the order of librdkafka. The slice is valid only inside the callback.
func (p *Producer) Poll(each func([]Report)) Event {
	ev, kind := pollQueue(p.queue)
	if ev == nil {
		return Event{}
	}
	defer destroyEvent(ev)
	event := read(ev, kind)
	if event.Kind == Reports {
		p.handOver(ev, each)
	}
	return event
}

// handOver hands the reports of a delivery event over.
func (p *Producer) handOver(ev *C.rd_kafka_event_t, each func([]Report)) {
	total := int64(0)
	for n := moveReports(ev, p.run, 1); n > 0; n = moveReports(ev, p.run, 0) {
		p.underway.Add(-int64(n))
		total += int64(n)
		each(p.run[:n])
	}
	p.countReported(total)
}

// Pending is the number of records and reports that wait inside librdkafka.
func (p *Producer) Pending() int {
	p.locks[0].Lock()
	defer p.locks[0].Unlock()
	if p.closed {
		return 0
	}
	return int(C.rd_kafka_outq_len(p.rk))
}

// Flush has librdkafka send the records that linger. It does not wait: their reports follow.
func (p *Producer) Flush() {
	p.locks[0].Lock()
	defer p.locks[0].Unlock()
	if !p.closed {
		C.rd_kafka_flush(p.rk, 0)
	}
}

// Purge gives up every record that is queued or in flight; their reports follow.
func (p *Producer) Purge() {
	p.locks[0].Lock()
	defer p.locks[0].Unlock()
	if !p.closed {
		C.rd_kafka_purge(p.rk, C.RD_KAFKA_PURGE_F_QUEUE|C.RD_KAFKA_PURGE_F_INFLIGHT)
	}
}

// Retire refuses further records, and returns when no call that produces is under way. Poll still works.
func (p *Producer) Retire() {
	p.locks.lockAll()
	defer p.locks.unlockAll()
	p.retired = true
}

// Close destroys the handle. The caller has retired it and polls no more. Close returns when librdkafka's threads have
// ended. With the context's error it leaves them behind.
func (p *Producer) Close(ctx context.Context) error {
	p.locks.lockAll()
	p.retired, p.closed = true, true
	p.locks.unlockAll()
	return within(ctx, func() {
		p.asking.Lock()
		defer p.asking.Unlock()
		p.gone = true
		for _, rkt := range p.topics {
			C.rd_kafka_topic_destroy(rkt)
		}
		C.rd_kafka_queue_destroy(p.queue)
		if p.flusher != nil {
			C.sluice_flusher_stop(p.flusher)
		}
		C.rd_kafka_destroy_flags(p.rk, 0)
		p.signal.close()
	})
}

// within runs f, and waits for it as long as ctx lives. librdkafka's destroy has no timeout: a call that never returns
// costs a goroutine, not the shutdown.
func within(ctx context.Context, f func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

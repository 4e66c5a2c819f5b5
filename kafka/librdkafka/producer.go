package librdkafka

// #include "abi.h"
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

// Status is what librdkafka knows of a record whose delivery failed (rd_kafka_msg_status_t).
type Status int32

// The three fates of a record.
const (
	NotPersisted Status = iota
	PossiblyPersisted
	Persisted
)

// Report is the end of one produced record.
type Report struct {
	Opaque    uint64
	Offset    int64 // -1001 when unknown: a retried idempotent produce may not learn it
	Timestamp int64 // milliseconds since the epoch, as the broker keeps it; -1 of a record that failed
	Partition int32
	Err       Code
	Status    Status
	alone     int32       // not 0: no other record was reported with it
	topic     C.uintptr_t // valid as long as the event
	Size      int64       // bytes of key and value
	latency   int64       // microseconds, -1 when not known
	message   C.uintptr_t // valid as long as the event
}

// Sample is how many reports of a run share one Latency.
const Sample = C.SLUICE_SAMPLE

// Latency is the time from Produce to the report; ok is false for all but every Sample-th report of a
// run, counted from its first.
func (r *Report) Latency() (d time.Duration, ok bool) {
	return time.Duration(r.latency) * time.Microsecond, r.latency >= 0
}

// TopicHandle tells the reports of one topic from those of another without asking for its name. It is valid as
// long as the handle.
func (r *Report) TopicHandle() uintptr { return uintptr(r.topic) }

// Topic is the record's topic. Call it only while the report is being handed over.
func (r *Report) Topic() string {
	return C.GoString(C.rd_kafka_topic_name((*C.rd_kafka_topic_t)(memory(&r.topic))))
}

// Alone tells whether the record was the only one of its batch, of those that a broker has answered.
func (r *Report) Alone() bool { return r.alone != 0 }

// Pack appends the record to b, as PackRecord does, bound for the partition that it had: what librdkafka was given is
// there as long as the report is being handed over. It was produced so long ago.
func (r *Report) Pack(b []byte) (packed []byte, spent time.Duration) {
	var c C.sluice_content
	C.sluice_content_of(r.message, &c)
	d := Details{Partition: r.Partition, Timestamp: int64(c.timestamp)}
	if c.headers != 0 {
		d.Headers = PackHeaders(headersOf((*C.rd_kafka_headers_t)(memory(&c.headers))))
	}
	return PackRecord(b, bytesAt(&c.key, c.key_len), bytesAt(&c.value, c.value_len), r.Opaque, &d),
		time.Duration(c.spent) * time.Microsecond
}

// bytesAt is librdkafka's memory as a slice, nil for a null pointer.
func bytesAt(address *C.uintptr_t, n C.size_t) []byte {
	if *address == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(memory(address)), int(n))
}

// Producer is one librdkafka producer. Produce may be called from any goroutine; Poll belongs to
// the one goroutine that drains it.
type Producer struct {
	rk     *C.rd_kafka_t
	queue  *C.rd_kafka_queue_t
	signal *signal
	run    []Report // what Poll hands over at a time

	underway atomic.Int64
	hurrier  *hurrier     // nil for a producer that does not linger
	crowded  atomic.Int64 // when a crowd was last reported, since start

	gates gates // guard what follows, and rk: any one to read, all of them to change

	retired bool // takes no more records
	closed  bool // rk is gone
	topics  map[string]*C.rd_kafka_topic_t

	asking sync.RWMutex // held for reading by Groups, whose answer takes its time; guards gone
	gone   bool         // rk is being destroyed
}

// gates let as many goroutines into librdkafka at once as there are gates: they would wait for its locks otherwise,
// with a processor each, and those that go through cgo with a thread each (see inside).
type gates [4]struct {
	sync.Mutex
	_ [56]byte // a cache line of its own
}

// gate is the one for the records of a session, which the upper half of an opaque names.
func (p *Producer) gate(opaque uint64) *sync.Mutex {
	return &p.gates[opaque>>32%uint64(len(p.gates))].Mutex
}

func (g *gates) lockAll() {
	for i := range g {
		g[i].Lock()
	}
}

func (g *gates) unlockAll() {
	for i := range g {
		g[i].Unlock()
	}
}

// NewProducer creates a producer. No broker needs to be reachable.
func NewProducer(properties map[string]string) (*Producer, error) {
	s, err := newSignal()
	if err != nil {
		return nil, err
	}
	rk, err := open(typeProducer, properties, eventReport|eventError|eventLog|eventStats)
	if err != nil {
		s.close()
		return nil, err
	}
	p := &Producer{rk: rk, queue: C.rd_kafka_queue_get_main(rk), signal: s, run: make([]Report, 256), topics: map[string]*C.rd_kafka_topic_t{}}
	C.rd_kafka_queue_io_event_enable(p.queue, C.int(s.fd), unsafe.Pointer(&one[0]), 8)
	if lingers(properties) {
		p.hurrier = (*hurrier)(C.sluice_hurrier_start(rk))
	}
	return p, nil
}

func lingers(properties map[string]string) bool {
	linger, err := strconv.ParseFloat(properties["linger.ms"], 64)
	return err != nil || linger > 0
}

// took counts records that were taken. Those before which there were none do not linger, unless a crowd has only just
// been there: more are about to come.
func (p *Producer) took(n int64) {
	if p.underway.Add(n) == n && p.hurrier != nil && time.Since(start)-time.Duration(p.crowded.Load()) > crowdMemory {
		p.hurrier.hurry()
	}
}

// returned notes how many records were reported at once. When it was a few, and as few were produced while they were
// under way, those do not linger either.
func (p *Producer) returned(n int64) {
	if p.hurrier == nil {
		return
	}
	if n >= crowd {
		p.crowded.Store(int64(time.Since(start)))
	}
	if left := p.underway.Load(); n <= C.SLUICE_FEW && 0 < left && left <= C.SLUICE_FEW {
		p.hurrier.hurry()
	}
}

const (
	crowd       = 16                    // so many records reported at once are one
	crowdMemory = 20 * time.Millisecond // twice as long as buffered records linger
)

// start is what monotonic times count from.
var start = time.Now()

// empty gives a value of no bytes an address: librdkafka reads a null pointer as a null value.
var empty byte

func pointer(b []byte) unsafe.Pointer {
	switch {
	case b == nil:
		return nil
	case len(b) == 0:
		return unsafe.Pointer(&empty)
	}
	return unsafe.Pointer(unsafe.SliceData(b))
}

// Produce queues a copy of one record, or returns the code that says why not. The topic name must
// have been checked: librdkafka truncates at a NUL and refuses only names over 512 bytes. A nil key
// is none, a nil value a tombstone. The opaque comes back in the Report; its upper half chooses the
// gate.
func (p *Producer) Produce(topic string, key, value []byte, opaque uint64) (Code, error) {
	gate := p.gate(opaque)
	gate.Lock()
	rkt, known := p.topics[topic]
	if !known || p.retired {
		gate.Unlock()
		return p.produceFirst(topic, key, value, opaque)
	}
	code := C.sluice_produce(rkt, pointer(value), C.size_t(len(value)), pointer(key), C.size_t(len(key)), C.uint64_t(opaque))
	gate.Unlock()
	p.taken(code)
	return Code(code), nil
}

func (p *Producer) taken(code C.int) {
	if code == 0 {
		p.took(1)
	}
}

// Underway is how many records were taken and have not been handed over as reports. It costs nothing, and may
// be wrong by what is being taken and reported right now.
func (p *Producer) Underway() int { return int(p.underway.Load()) }

// produceFirst makes the topic's handle, once, and produces.
func (p *Producer) produceFirst(topic string, key, value []byte, opaque uint64) (Code, error) {
	if err := p.addTopic(topic); err != nil {
		return None, err
	}
	return p.Produce(topic, key, value, opaque)
}

func (p *Producer) addTopic(topic string) error {
	p.gates.lockAll()
	defer p.gates.unlockAll()
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

// Wait returns when events may be there, or after limit.
func (p *Producer) Wait(limit time.Duration) { p.signal.wait(limit) }

// Wake ends a Wait early.
func (p *Producer) Wake() { p.signal.raise() }

// Poll takes the next event without waiting; Nothing when there is none. Delivery reports are
// handed to each in runs, in the order librdkafka reports them; the slice is valid only inside.
func (p *Producer) Poll(each func([]Report)) Event {
	ev, kind := poll(p.queue)
	if ev == nil {
		return Event{}
	}
	defer done(ev)
	event := read(ev, kind)
	if event.Kind == Reports {
		p.move(ev, each)
	}
	return event
}

// move hands the reports of a delivery event over. Report and sluice_report have the same layout.
func (p *Producer) move(ev *C.rd_kafka_event_t, each func([]Report)) {
	call := reporting{event: ev, out: (*C.sluice_report)(unsafe.Pointer(&p.run[0])), size: C.size_t(len(p.run))}
	total := int64(0)
	for call.run(); call.n > 0; call.run() {
		p.underway.Add(-int64(call.n))
		total += int64(call.n)
		each(p.run[:call.n])
	}
	p.returned(total)
}

// Pending is the number of records and reports that still wait inside librdkafka.
func (p *Producer) Pending() int {
	p.gates[0].Lock()
	defer p.gates[0].Unlock()
	if p.closed {
		return 0
	}
	return int(C.rd_kafka_outq_len(p.rk))
}

// Flush asks librdkafka to send what lingers now. It does not wait: the reports tell the end.
func (p *Producer) Flush() {
	p.gates[0].Lock()
	defer p.gates[0].Unlock()
	if !p.closed {
		C.rd_kafka_flush(p.rk, 0)
	}
}

// Purge gives up every record that is queued or in flight; their reports follow.
func (p *Producer) Purge() {
	const queued, inFlight = 1, 2
	p.gates[0].Lock()
	defer p.gates[0].Unlock()
	if !p.closed {
		C.rd_kafka_purge(p.rk, queued|inFlight)
	}
}

// Retire refuses further Produce calls and returns when none is inside any more. Poll still works.
func (p *Producer) Retire() {
	p.gates.lockAll()
	defer p.gates.unlockAll()
	p.retired = true
}

// Close destroys the handle. The caller has retired it, and nobody polls it any more. It returns
// when librdkafka's threads have ended, or with the context's error, leaving them behind.
func (p *Producer) Close(ctx context.Context) error {
	p.gates.lockAll()
	p.retired, p.closed = true, true
	p.gates.unlockAll()
	return within(ctx, func() {
		p.asking.Lock()
		defer p.asking.Unlock()
		p.gone = true
		for _, rkt := range p.topics {
			C.rd_kafka_topic_destroy(rkt)
		}
		C.rd_kafka_queue_destroy(p.queue)
		if p.hurrier != nil {
			C.sluice_hurrier_stop((*C.sluice_hurrier)(p.hurrier))
		}
		C.rd_kafka_destroy_flags(p.rk, 0)
		p.signal.close()
	})
}

// within runs f and waits for it no longer than ctx lives. librdkafka's destroy has no timeout, so
// a call that never returns costs a goroutine, not the shutdown.
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

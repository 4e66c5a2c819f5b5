package producer

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// heldRecord waits for its topic to be looked up.
type heldRecord struct {
	producer   *producer
	key, value []byte
	details    *librdkafka.Details // nil: it has none
	opaque     uint64
	since      time.Time
	counted    bool // it is counted as accepted and as under way: it came back from the accumulator
}

// newHeld copies a record out of a session's buffers.
func newHeld(p *producer, key, value []byte, opaque uint64, d *librdkafka.Details) heldRecord {
	return heldRecord{producer: p, key: clone(key), value: clone(value), details: d.Clone(), opaque: opaque, since: time.Now()}
}

// clone copies bytes out of a session's buffer. nil stays nil, because null is not empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// size is the bytes of key and value.
func (r *heldRecord) size() int { return len(r.key) + len(r.value) }

// weight is what a record counts against the bounds below, in bytes.
func (r *heldRecord) weight() int {
	if r.details == nil {
		return r.size()
	}
	return r.size() + len(r.details.Headers)
}

// heldRecords are the records that wait for one topic, in the order in which they came. The topic's lock guards them.
type heldRecords struct {
	records []heldRecord
	bytes   int           // their weight
	inAll   *atomic.Int64 // the weight of what all topics hold
}

const (
	maxHeldRecords = 10_000           // of one topic
	maxHeldBytes   = 16 << 20         // of one topic
	maxHeldInAll   = 64 << 20         // bytes of all topics
	heldFor        = 28 * time.Second // older records fail: they are not written
)

// add takes a record, and returns false when there is no room.
func (h *heldRecords) add(r heldRecord) bool {
	size := r.weight()
	if len(h.records) >= maxHeldRecords || h.bytes+size > maxHeldBytes && len(h.records) > 0 || h.inAll.Load() > maxHeldInAll {
		return false
	}
	h.records = append(h.records, r)
	h.weigh(size)
	return true
}

// weigh counts the bytes that are held.
func (h *heldRecords) weigh(change int) {
	h.bytes += change
	h.inAll.Add(int64(change))
}

// take removes the first n records.
func (h *heldRecords) take(n int) []heldRecord {
	taken := h.records[:n]
	for i := range taken {
		h.weigh(-taken[i].weight())
	}
	h.records = h.records[n:]
	return taken
}

// keep removes the records for which stays is false.
func (h *heldRecords) keep(stays func(*heldRecord) bool) {
	kept := h.records[:0]
	for _, r := range h.records {
		if stays(&r) {
			kept = append(kept, r)
		} else {
			h.weigh(-r.weight())
		}
	}
	h.records = kept
}

// clear removes all records.
func (h *heldRecords) clear() {
	h.weigh(-h.bytes)
	h.records = nil
}

// older is how many records at the front came before a time.
func (h *heldRecords) older(before time.Time) (n int) {
	for n < len(h.records) && h.records[n].since.Before(before) {
		n++
	}
	return n
}

// producers are the producers of the records.
func (h *heldRecords) producers() (all []*producer) {
	for i := range h.records {
		if p := h.records[i].producer; !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

package producer

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// load is how many records are under way, and their bytes.
type load struct {
	records, bytes atomic.Int64
	_              [48]byte // a cache line of its own
}

// add counts records that are now under way. Negative numbers count records that have ended.
func (l *load) add(records, bytes int64) {
	l.records.Add(records)
	l.bytes.Add(bytes)
}

// queueSpace is room for records and bytes in a producer's queue.
type queueSpace struct{ records, bytes int64 }

// queue is how much librdkafka's queue of a producer may hold, and how much it holds.
type queue struct {
	taken  load
	bounds atomic.Pointer[queueSpace]
}

// free is the room that is left.
func (q *queue) free() queueSpace {
	bounds := q.bounds.Load()
	return queueSpace{bounds.records - q.taken.records.Load(), bounds.bytes - q.taken.bytes.Load()}
}

// queueBounds reads the bounds of librdkafka's queue. librdkafka's defaults apply to properties that are not set.
func queueBounds(p config.Properties) *queueSpace {
	number := func(name string, otherwise int64) int64 {
		n, err := strconv.ParseInt(p[name], 10, 64)
		if err != nil {
			return otherwise
		}
		return n
	}
	b := &queueSpace{number("queue.buffering.max.messages", 100_000), number("queue.buffering.max.kbytes", 1<<20) << 10}
	if b.records == 0 {
		b.records = 1 << 31 // librdkafka: no limit
	}
	return b
}

// load counts records of a topic that are now under way.
func (p *producer) load(a topicCounters, records, bytes int64) {
	a.underway[p.index].add(records, bytes)
	p.queue.taken.add(records, bytes)
}

// unload counts records of a topic that have ended.
func (p *producer) unload(a topicCounters, records, bytes int64) {
	p.load(a, -records, -bytes)
}

// exceedsShare tells whether a topic has as much of the queue as is still free. So a topic whose broker does not
// answer gets half of the queue. Two such topics get a third each. There is always room for the others. Switches with
// shared memory call this a dynamic threshold (Choudhury and Hahne, 1998).
func (p *producer) exceedsShare(a topicCounters) bool {
	mine := &a.underway[p.index]
	records, bytes := mine.records.Load(), mine.bytes.Load()
	if records == 0 {
		return false
	}
	free := p.queue.free()
	return records > free.records || bytes > free.bytes
}

// queueShareError is the ErrFull of a topic that has its share of the queue under way.
type queueShareError struct {
	Topic          string
	Records, Bytes int64  // under way
	Why            string // why the brokers do not have them; empty when it is not known
}

func (e *queueShareError) Error() string {
	text := fmt.Sprintf("%d records (%d bytes) of %s are on their way, its share of the queue", e.Records, e.Bytes, e.Topic)
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// StayedFull is the end of a record that has waited for room in vain. err is the last refusal, or nil if the session
// had too much in flight.
func StayedFull(topic string, waited time.Duration, err error) *Error {
	reason := fmt.Sprintf("the queue stayed full for %s", waited)
	if exceeded, is := errors.AsType[*queueShareError](err); is {
		reason += ": " + exceeded.Error()
	}
	return &Error{Outcome: record.Retry, Topic: topic, Reason: reason}
}

// Is makes the error an ErrFull.
func (e *queueShareError) Is(target error) bool { return target == kerr.ErrFull }

// shareError says why a topic's record must wait.
func (ps *Producers) shareError(t *topic, p *producer) error {
	mine := &t.underway[p.index]
	return &queueShareError{Topic: t.name, Records: mine.records.Load(), Bytes: mine.bytes.Load(), Why: ps.problem(t.name, AnyPartition)}
}

// fullest is how near the nearest topic has come to its share of a profile's queue. At 1 the topic's records wait.
func (t *counterTable) fullest(p *producer) (ratio float64) {
	free := p.queue.free()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.rows {
		mine := &a.underway[p.index]
		ratio = max(ratio, float64(mine.records.Load())/float64(max(1, free.records)), float64(mine.bytes.Load())/float64(max(1, free.bytes)))
	}
	return min(1, ratio)
}

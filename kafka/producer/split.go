package producer

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// batching is how many records a handle puts into one batch.
type batching int

const (
	whole  batching = iota // as many as the properties allow
	small                  // 16 KiB of records, as Java's producer does
	single                 // one record
	batchingCount
)

// batches are the properties of the handles for smaller batches. The bounds of their queues bound the memory for
// refused records.
var batches = [...]config.Properties{
	small: {
		"batch.size": "16384", "statistics.interval.ms": "0",
		"queue.buffering.max.messages": "50000", "queue.buffering.max.kbytes": "65536",
	},
	// Each refused record would cost an idempotent producer a new epoch, and its queue tens of milliseconds. This
	// producer never sends a record twice by itself. So it does not reorder or duplicate records.
	single: {
		"enable.idempotence": "false", "message.send.max.retries": "0", "max.in.flight.requests.per.connection": "5",
		"batch.num.messages": "1", "linger.ms": "0", "statistics.interval.ms": "0",
		"queue.buffering.max.messages": "20000", "queue.buffering.max.kbytes": "32768",
	},
}

const (
	// resendTime is how old a delivered record may be that is sent again. It also bounds how long a record is tried
	// alone. So the answer comes before the client gives up.
	resendTime = 10 * time.Second
	// splitIdle is how long a handle without records is kept.
	splitIdle = time.Minute
)

// splitter sends the records of refused batches again, in smaller batches, until each record was written or refused
// alone. It makes up to two more handles when they are needed. It remembers topics that do not take large batches.
// Further records of these topics go to those handles at once.
type splitter struct {
	producer *producer
	handles  [batchingCount]atomic.Pointer[librdkafka.Producer] // the present handles, nil without one
	byTopic  atomic.Pointer[map[string]batching]                // what topics take; the map is replaced, never changed

	mu      sync.Mutex // guards what follows, and changes of the above; locked before the mutex of the producer's handles
	current [batchingCount]*reportLoop
	closing bool           // no handle is closed any more
	ended   bool           // no handle is made any more
	former  sync.WaitGroup // handles that end in the background
}

// batchingFor is what batches a topic takes.
func (s *splitter) batchingFor(topic string) batching {
	if byTopic := s.byTopic.Load(); byTopic != nil {
		return (*byTopic)[topic]
	}
	return whole
}

// learn remembers that a topic does not take batches of that size.
func (s *splitter) learn(topic string, refused batching) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[string]batching{}
	if byTopic := s.byTopic.Load(); byTopic != nil {
		if (*byTopic)[topic] > refused {
			return
		}
		known = maps.Clone(*byTopic)
	}
	known[topic] = min(refused+1, single)
	s.byTopic.Store(&known)
}

// forgetTopics forgets the topics that take such batches. None of their records is under way there, or the properties
// have changed. The lock is held.
func (s *splitter) forgetTopics(b batching) {
	if byTopic := s.byTopic.Load(); byTopic != nil {
		others := maps.Clone(*byTopic)
		maps.DeleteFunc(others, func(_ string, takes batching) bool { return takes == b })
		s.byTopic.Store(&others)
	}
}

// handle is the present handle for such batches. It makes one when there is none, and returns nil when none can be
// made.
func (s *splitter) handle(b batching) *librdkafka.Producer {
	if handle := s.handles[b].Load(); handle != nil {
		return handle
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current[b] == nil && !s.ended {
		s.open(b)
	}
	return s.handles[b].Load()
}

// open makes a handle. The lock is held.
func (s *splitter) open(b batching) {
	handle, err := librdkafka.NewProducer(s.properties(b))
	if err != nil {
		s.producer.log.Error("no producer for smaller batches", "err", err)
		return
	}
	d := newReportLoop(s.producer, handle)
	d.batching, d.former = b, &s.former
	s.current[b] = d
	s.handles[b].Store(handle)
	go d.run()
}

// properties are those of a handle for such batches.
func (s *splitter) properties(b batching) config.Properties {
	p := config.Merge(s.producer.handles.propertiesNow(), batches[b])
	if b == single && s.awaited() {
		limit := resendTime.Milliseconds()
		if ms, err := strconv.ParseInt(p["message.timeout.ms"], 10, 64); err == nil && 0 < ms {
			limit = min(limit, ms)
		}
		p["message.timeout.ms"] = strconv.FormatInt(limit, 10)
	}
	return p
}

// awaited tells whether clients wait for the records.
func (s *splitter) awaited() bool { return s.producer.profile == config.Delivered }

// close ends a handle in the background, after it has sent its records. It returns false if the handle is not present.
func (s *splitter) close(d *reportLoop) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || !s.detach(d) {
		return false
	}
	s.forgetTopics(d.batching)
	s.former.Go(func() { d.finish(s.producer.handles.grace) })
	return true
}

// detach makes room for the successor of a handle. The lock is held.
func (s *splitter) detach(d *reportLoop) bool {
	if s.current[d.batching] != d {
		return false
	}
	s.current[d.batching] = nil
	s.handles[d.batching].Store(nil)
	return true
}

// drop detaches a handle that failed for good. Its report loop ends by itself.
func (s *splitter) drop(d *reportLoop) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || !s.detach(d) {
		return false
	}
	s.former.Add(1)
	return true
}

// renew closes the handles, because the properties have changed.
func (s *splitter) renew() {
	for b := small; b < batchingCount; b++ {
		if d := s.present(b); d != nil {
			s.close(d)
		}
	}
}

// present is the report loop of the present handle for such batches, nil without one.
func (s *splitter) present(b batching) *reportLoop {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current[b]
}

// finish ends the handles. Those with larger batches end first, because their refused records go to the others. The
// profile's own handle has already sent everything.
func (s *splitter) finish(ctx context.Context) {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.former.Wait()
	for b := small; b < batchingCount; b++ {
		if d := s.present(b); d != nil {
			d.finish(ctx)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// resend hands over packed records of a topic for smaller batches. It returns how many bytes were taken.
func (s *splitter) resend(topic string, packed []byte, b batching) (taken int) {
	for taken < len(packed) {
		n, code, err := s.producePacked(topic, packed[taken:], b)
		taken += n
		if err != nil || code != librdkafka.None {
			break
		}
	}
	return taken
}

// producePacked hands records to the present handle, or to its successor when the handle was just closed.
func (s *splitter) producePacked(topic string, packed []byte, b batching) (taken int, code librdkafka.Code, err error) {
	for {
		handle := s.handle(b)
		if handle == nil {
			return 0, librdkafka.None, librdkafka.ErrClosed
		}
		taken, code, err = handle.ProducePacked(topic, packed)
		if err == nil || handle == s.handles[b].Load() {
			return taken, code, err
		}
	}
}

// resendRefused sends refused records again in smaller batches. It returns the reports of the records that have ended.
func (d *reportLoop) resendRefused(run []librdkafka.Report) (ended []librdkafka.Report) {
	topic := run[0].Topic() // a batch has records of one topic
	var packed []byte
	var again []librdkafka.Report
	var ends []int // where each record of again ends in packed
	told := slices.ContainsFunc(run, func(r librdkafka.Report) bool { return r.Err == librdkafka.DifferentRecord })
	for i := range run {
		r := &run[i]
		d.outOfEpochs = d.outOfEpochs || r.Err == librdkafka.OldEpoch
		if !d.divisible(r, told) {
			ended = append(ended, *r)
			continue
		}
		d.learn(topic, r.Err)
		more, spent := r.Pack(packed)
		if spent > resendTime && d.producer.splitter.awaited() {
			ended = append(ended, notResent(*r))
			continue
		}
		packed, again, ends = more, append(again, *r), append(ends, len(more))
	}
	taken := d.producer.splitter.resend(topic, packed, d.batching+1)
	for i, end := range ends {
		if end > taken {
			ended = append(ended, notResent(again[i]))
		}
	}
	return ended
}

// divisible tells whether a record may have been refused for another record of its batch, or for its producer. told
// says that librdkafka knows which records were at fault. Then it marks the other records.
//
//checker:seam batch-to-divide
func (d *reportLoop) divisible(r *librdkafka.Report, told bool) bool {
	v := kerr.Of(r.Err)
	if !v.Divide || r.Status != librdkafka.NotPersisted || d.batching == single {
		return false
	}
	return v.Outcome == record.Retry || !told && !r.Alone()
}

// learn remembers a topic that does not take batches of this size.
func (d *reportLoop) learn(topic string, code librdkafka.Code) {
	if code == librdkafka.MessageTooLarge || code == librdkafka.BatchTooLarge {
		d.producer.splitter.learn(topic, d.batching)
		d.producer.producers.limit(topic) // so that the error of a record that is refused alone names the limit
	}
}

// notResent is the report of a record that was not sent again. The record was not written, and may be valid.
func notResent(r librdkafka.Report) librdkafka.Report {
	r.Err = librdkafka.DifferentRecord
	return r
}

// anyFailed tells whether any of the records has failed.
//
//checker:seam batch-with-a-failure
func anyFailed(run []librdkafka.Report) bool {
	for i := range run {
		if run[i].Err != librdkafka.None {
			return true
		}
	}
	return false
}

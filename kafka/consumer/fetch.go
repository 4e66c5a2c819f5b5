package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// partition is an assigned partition. The run goroutine owns all fields but inDispatch.
type partition struct {
	inDispatch *ledger.Partition // guarded by the subscription's mu
	queue      *librdkafka.Queue
	memory     partitionMemory
	log        logStart
	commit     commitState
	earlier    earlierAssignment
}

// fetchAll moves records from librdkafka to the partitions that hold too few, and wakes members for them.
func (s *subscription) fetchAll(now time.Time) {
	for _, f := range s.partitions {
		s.fetchIfLow(f, now)
	}
	ahead := s.groups.ahead()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatch.Feed(ahead)
	s.dispatch.Wake(now)
}

func (s *subscription) fetchIfLow(f *partition, now time.Time) {
	s.mu.Lock()
	want := s.dispatch.Wants(f.inDispatch)
	s.mu.Unlock()
	if want > 0 && f.queue != nil && !s.waits(f) && s.mayFail(f.inDispatch.Topic, now) {
		s.fetch(f, want)
	}
}

// fetch moves up to want records of a partition from librdkafka to its ledger.
func (s *subscription) fetch(f *partition, want int) {
	s.mu.Lock()
	room := s.dispatch.RoomInBytes(f.inDispatch)
	s.mu.Unlock()
	var left int
	var failed []librdkafka.PartitionError
	s.fetched, left = f.queue.Fetch(s.fetched[:0], want, room, func(failing librdkafka.PartitionError) {
		failed = append(failed, failing)
	})
	entered := s.enter(f, left)
	clear(s.fetched)
	for _, failing := range failed { // after the records that came before the failure were taken
		switch {
		case failing.Code != librdkafka.PartitionEOF:
			s.fail(f, failing)
		case entered:
			f.log.end = failing.Offset
			s.passEnd(f)
		}
	}
}

// enter adds fetched records to the partition's ledger. left is how many more records of the partition librdkafka holds.
// It returns false when records were not taken.
func (s *subscription) enter(f *partition, left int) bool {
	for rest := s.fetched; len(rest) > 0; {
		if !s.follow(f, rest[0].Offset) {
			return false
		}
		n := s.unbroken(f, rest)
		s.take(f, rest[:n])
		rest = rest[n:]
	}
	f.took(s.fetched)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.inDispatch.SetMore(left > 0)
	return true
}

// take adds records that follow each other, at least one, to the partition's ledger.
func (s *subscription) take(f *partition, fetched []librdkafka.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range fetched {
		m := &fetched[i]
		r := record.Record{
			TopicPartition: f.inDispatch.TopicPartition,
			Offset:         m.Offset, Timestamp: m.Timestamp, Key: m.Key, Value: m.Value, Headers: m.Headers,
		}
		if f.inDispatch.Ledger().Append(r) {
			s.groups.consumed.fetched.Add(1)
		}
	}
	s.serveRecalled(f.inDispatch)
	if s.obstacles.trouble != nil && !s.halting() {
		s.obstacles.trouble = nil
	}
	s.stepped(f.inDispatch.TopicPartition, fetched[len(fetched)-1].Offset)
}

// restart begins a new ledger for the partition. next is the offset that comes next; below 0 it is not known. Records
// that members owe are taken back. The subscription's mu is held.
func (s *subscription) restart(f *partition, next int64) {
	next = max(-1, next)
	f.inDispatch.Restart()
	s.dropLetters(f.inDispatch.TopicPartition)
	f.log, f.commit = logFrom(next), f.commit.restarted()
	f.earlier.settlements, f.memory.resumeAt = nil, next
}

func (s *subscription) position(f *partition) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.inDispatch.Ledger().Position()
}

// owed is how many records of a partition members have not settled.
func (s *subscription) owed(f *partition) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.inDispatch.Ledger().Owed()
}

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
	f.inDispatch.Ledger().Reach(f.commit.reach)
	f.log, f.commit = logFrom(next), f.commit.restarted()
	f.earlier.settlements, f.earlier.kept, f.memory.resumeAt = nil, nil, next
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

// passEnd passes over what is no record at the end of a log: markers of transactions, aborted records, what compaction has
// removed. Otherwise the group would lag by these for ever. librdkafka tells of the end once it holds nothing more.
//
// The end is remembered until the committed offset is known: see takeCommitted.
func (s *subscription) passEnd(f *partition) {
	next, end := f.expected(), f.log.end
	s.mu.Lock()
	rewinds := f.rewinds()
	s.mu.Unlock()
	switch {
	case end < 0 || !f.commit.known || s.waits(f) || next >= end:
		return
	case rewinds:
		return
	}
	if f.log.sought.again || s.seekTwice(f, next) {
		return // the end may be that of the old log, or librdkafka has undone the seek
	}
	if next >= 0 {
		s.passed(f, next, end)
	}
	if f.log.halted {
		return
	}
	f.memory.resumeAt = end
	s.mu.Lock()
	defer s.mu.Unlock()
	l := f.inDispatch.Ledger()
	if begin := s.beginning(f); begin >= 0 {
		l.Begin(begin)
	}
	l.End(end)
	s.stepped(f.inDispatch.TopicPartition, end-1)
}

// beginning is the offset below which there is nothing to settle before the first record has come; -1 is not known. A
// seek may have left out records that are not settled.
func (s *subscription) beginning(f *partition) int64 {
	if f.log.first >= 0 {
		return -1
	}
	switch low, _ := s.consumer.Watermarks(f.inDispatch.Topic, f.inDispatch.Partition); {
	case f.commit.committed >= 0 && f.log.next == f.commit.committed:
		return f.log.next
	case f.commit.committed < 0 && f.log.next < 0 && f.log.end > low && resets[s.reset] == librdkafka.OffsetBeginning:
		return f.log.end // the group begins at the earliest record, and there is none
	}
	return -1
}

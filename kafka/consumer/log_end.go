package consumer

import (
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// passEnd passes over what is no record at the end of a log: markers of transactions, aborted records, what compaction has
// removed. Otherwise the group would lag by these for ever. librdkafka tells of the end once it holds nothing more.
//
// The end is remembered until the committed offset is known: see takeCommitted.
func (s *subscription) passEnd(f *partition) {
	next, end := f.expected(), f.log.end
	switch {
	case end < 0 || !f.commit.known || s.waits(f) || next >= end:
		return
	case f.commit.rewound && s.position(f) == f.commit.rewoundAt: // the lower offset stays until more is settled
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

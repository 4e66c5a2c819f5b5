package consumer

import (
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// logStart is what is known of where this process began to read a partition's log: see follow.
type logStart struct {
	next       int64 // offset that comes next, before the first record has come; -1: not known
	first      int64 // offset of the first record that came, -1 for none
	end        int64 // where librdkafka came to the end of the log last, -1 for nowhere: see passEnd
	sought     sought
	behind     bool      // the log of a topic that was created again has records, and none has come
	halted     bool      // no records are taken: auto.offset.reset is error, and the log does not hold the next offset
	doubted    logBounds // bounds that looked like another log, and were none
	wentBackAt time.Time // when the log was found to have gone back
}

// sought is what is known of the last seek.
type sought struct {
	at    time.Time
	again bool // its topic was created again, and no records have come since
	twice bool // it was done once more: see seekTwice
}

// logFrom is the logStart of a partition of which next comes next; -1: not known.
func logFrom(next int64) logStart {
	return logStart{next: next, first: -1, end: -1, doubted: logBounds{-1, -1}}
}

// logBounds are the offsets that a partition's log holds: from low up to, but not including, high. -1 is not known.
type logBounds struct{ low, high int64 }

// lacks tells that a log does not hold the next offset: the log begins behind it, or ends before it.
func (b logBounds) lacks(next int64) bool {
	return next >= 0 && (b.low > next || b.high >= 0 && b.high < next)
}

// expected is the offset that comes next, -1 when that is not known.
func (f *partition) expected() int64 {
	if at := f.inDispatch.Ledger().Fetched(); at >= 0 {
		return at + 1
	}
	return f.log.next
}

// compareCommitted compares the committed offset of a partition with what has come since.
func (s *subscription) compareCommitted(f *partition, at int64) {
	f.commit.known = true
	if f.commit.committed < 0 { // otherwise a commit has ended meanwhile, and its offset is newer
		f.commit.committed = at
	}
	position := s.position(f)
	switch {
	case f.commit.anew: // the partition was sought meanwhile
	case at < 0 && s.strict():
		s.halt(f, "the group has no committed offset, and auto.offset.reset is error: choose earliest or latest")
	case at < 0:
	case f.log.first < 0:
		f.log.next = at
	case at > max(f.log.first, position):
		s.wentBack(f, at, f.log.first, false)
	case at < f.log.first:
		s.passed(f, at, f.log.first)
	}
}

// strict tells whether auto.offset.reset is error. Then an operator decides where the group goes on.
func (s *subscription) strict() bool {
	_, known := resets[s.reset]
	return !known
}

// waits tells that nothing of a partition may be fetched. It is halted, or it is not known yet what is settled of it.
func (s *subscription) waits(f *partition) bool {
	return f.log.halted || f.earlier.undecided() || !f.commit.known && !f.commit.anew
}

// follow checks whether the record at an offset follows what came before, and acts when it does not. It is false when the
// record must not be taken.
func (s *subscription) follow(f *partition, at int64) bool {
	next := f.expected()
	switch {
	case at != next && s.seekTwice(f, next):
		return false
	case at > next && next >= 0:
		s.passed(f, next, at)
	case at < next:
		s.wentBack(f, next, at, true)
	}
	if f.log.first < 0 && !f.log.halted {
		f.log.first, f.log.sought.again, f.log.behind = at, false, false
	}
	return !f.log.halted
}

// unbroken is how many of the first records follow each other. Compaction and transactions may leave gaps between them.
// A gap counts as a break where the log begins behind it.
func (s *subscription) unbroken(f *partition, fetched []librdkafka.Message) int {
	low := int64(-1)
	for i := 1; i < len(fetched); i++ {
		at, next := fetched[i].Offset, fetched[i-1].Offset+1
		if at == next {
			continue
		}
		if low < 0 {
			low, _ = s.consumer.Watermarks(f.inDispatch.Topic, f.inDispatch.Partition)
		}
		if at < next || low > next {
			return i
		}
	}
	return len(fetched)
}

// passed counts records that will not come any more, because the log begins behind them. Other missing offsets are gaps
// that compaction and transactions leave: no records were there.
func (s *subscription) passed(f *partition, next, at int64) {
	tp := f.inDispatch.TopicPartition
	low, high := s.consumer.Watermarks(tp.Topic, tp.Partition)
	switch {
	case low <= next:
	case s.strict():
		s.outOfRange(f, next, logBounds{low, high})
	case resets[s.reset] == librdkafka.OffsetBeginning:
		s.skip(f, next, min(low, at), low)
	default:
		s.skip(f, next, at, low)
	}
}

// skip counts and logs skipped records.
func (s *subscription) skip(f *partition, from, to, low int64) {
	s.log.Warn("records skipped: the log begins behind them", "partition", f.inDispatch.String(), "from", from, "to", to,
		"records", to-from, "log_begins", low, "auto_offset_reset", s.reset)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.inDispatch.Ledger().Pass(from, to)
}

// wentBack begins a partition again where its log goes on, below what came before or is committed. The topic was created
// again, or its log was truncated. What members owe of the old log cannot be settled in the new one. anew is false when
// everything that was fetched is of the new log.
func (s *subscription) wentBack(f *partition, from, to int64, anew bool) {
	tp := f.inDispatch.TopicPartition
	if s.strict() {
		low, high := s.consumer.Watermarks(tp.Topic, tp.Partition)
		s.outOfRange(f, from, logBounds{low, high})
		return
	}
	s.log.Warn("the log went back: its topic was created again, or it was cut", "partition", tp.String(),
		"from", from, "to", to, "auto_offset_reset", s.reset)
	s.mu.Lock()
	defer s.mu.Unlock()
	if anew {
		s.restart(f, to)
	}
	f.inDispatch.Ledger().Begin(to)
	f.commit.anew, f.log.wentBackAt = true, time.Now()
	s.hurries.Store(true)
}

// outOfRange halts a partition whose log does not hold the next offset.
func (s *subscription) outOfRange(f *partition, next int64, holds logBounds) {
	s.halt(f, fmt.Sprintf("offset %d of %s is out of range %d-%d, and auto.offset.reset is error: set the group's offset, or choose earliest or latest",
		next, f.inDispatch, holds.low, holds.high))
}

// halt takes no more records of a partition, and tells members why.
func (s *subscription) halt(f *partition, why string) {
	f.log.halted = true
	s.log.Warn("partition halted", "partition", f.inDispatch.String(), "err", why)
	s.tell(&librdkafka.Error{Code: librdkafka.AutoOffsetReset, Text: why}, false)
}

// halting tells whether any partition is halted.
func (s *subscription) halting() bool {
	for _, f := range s.partitions {
		if f.log.halted {
			return true
		}
	}
	return false
}

// logCheckGap is the longest time between two checks of the logs.
const logCheckGap = time.Second

// logCheck asks the brokers for log bounds of partitions of which nothing comes.
type logCheck struct {
	asking bool
	lastAt time.Time // when the partitions were checked last
}

// checkLogs looks for partitions whose log does not hold the next offset, by what librdkafka knows. No record would show
// that when the log is empty, or ends before that offset. What librdkafka knows may be old, so the brokers are asked.
func (s *subscription) checkLogs(now time.Time) {
	if s.logCheck.asking || now.Sub(s.logCheck.lastAt) < min(logCheckGap, s.cfg.Consume.CommitInterval) {
		return
	}
	s.logCheck.lastAt = now
	asked, partitions := map[record.TopicPartition]int64{}, []record.TopicPartition(nil)
	for tp, f := range s.partitions {
		next := f.expected()
		if next < 0 || f.log.halted {
			continue
		}
		low, high := s.consumer.Watermarks(tp.Topic, tp.Partition)
		if low > next && f.buffers() {
			continue // librdkafka holds the records that the log has lost
		}
		if high > next && !f.buffers() && now.Sub(f.log.sought.at) > stuckAfter && s.seekTwice(f, next) {
			continue
		}
		if holds := (logBounds{low, high}); holds.lacks(next) && holds != f.log.doubted || f.log.sought.again {
			f.log.doubted = holds
			asked[tp], partitions = next, append(partitions, tp)
		}
	}
	s.logCheck.asking = len(asked) > 0 && s.groups.life.Go(func() {
		begins, ends, err := s.groups.cluster.LogBounds(s.groups.life.Context, partitions)
		s.do(func() { s.logsChecked(asked, begins, ends, err) })
	})
}

func (s *subscription) logsChecked(asked, begins, ends map[record.TopicPartition]int64, err error) {
	s.logCheck.asking = false
	for tp, next := range asked {
		f := s.partitions[tp]
		if f == nil || f.expected() != next {
			continue
		}
		low, known := begins[tp]
		high, too := ends[tp]
		if err != nil || !known || !too {
			f.log.doubted = logBounds{-1, -1} // the next check asks again
			continue
		}
		s.moveIntoLog(f, next, logBounds{low, high})
	}
}

// buffers tells whether librdkafka holds records of a partition that were not taken yet.
func (f *partition) buffers() bool { return f.queue != nil && f.queue.Len() > 0 }

// moveIntoLog moves a partition to an offset that its log holds. Records of a log that ended before that are dropped.
func (s *subscription) moveIntoLog(f *partition, next int64, holds logBounds) {
	switch {
	case !holds.lacks(next):
		f.log.behind = f.log.sought.again && holds.high > next
	case holds.high >= next && f.buffers(): // the record has come meanwhile
		f.log.doubted = logBounds{-1, -1}
	case s.strict():
		s.outOfRange(f, next, holds)
	case holds.high < next:
		to := holds.low
		if resets[s.reset] == librdkafka.OffsetEnd {
			to = holds.high
		}
		s.wentBack(f, next, to, true)
		s.goTo([]record.PartitionOffset{{TopicPartition: f.inDispatch.TopicPartition, Offset: to}}, false)
	case resets[s.reset] == librdkafka.OffsetBeginning:
		s.skip(f, next, holds.low, holds.low)
	}
}

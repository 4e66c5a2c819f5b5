package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// descent is the one explicit commit that may be under way: of positions that are, or may be, lower than what the
// brokers have. librdkafka's own commits only ever go up; once a lower offset is committed they go on from there.
type descent struct {
	ticket uint64    // of the commit that is under way, 0 for none
	after  time.Time // when another may be tried
}

// descentRetry is the pause after one that failed: its cause may last.
const descentRetry = time.Second

// answer notes how a commit ended, if it was this one.
func (d *descent) answer(ticket uint64, code librdkafka.Code) {
	if ticket == 0 || ticket != d.ticket {
		return
	}
	d.ticket = 0
	if code != librdkafka.None {
		d.after = time.Now().Add(descentRetry)
	}
}

// commitDown commits positions explicitly, again until the brokers have them. One that waits for a coordinator waits
// alone.
func (s *Subscription) commitDown(now time.Time) {
	if s.down.ticket != 0 || now.Before(s.down.after) {
		return
	}
	list := s.lower()
	if len(list) == 0 {
		return
	}
	s.ticket++
	if err := s.consumer.Commit(list, s.ticket); err != nil {
		s.clientLog.LogFailure(s.log, librdkafka.Event{Text: "offsets not committed: " + err.Error()})
		s.down.after = now.Add(descentRetry)
		return
	}
	s.down.ticket = s.ticket
}

// mayBeLower tells whether a position may be below the committed offset.
//
//checker:seam position-below-committed
func (f *partition) mayBeLower(position int64) bool { return f.explicit && position >= 0 }

// lower are the positions that may be lower than what the brokers have.
func (s *Subscription) lower() (list []librdkafka.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tp, f := range s.partitions {
		if at := f.lane.Ledger().Position(); f.mayBeLower(at) {
			list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: at})
		}
	}
	return list
}

// has notes that the brokers have an offset of a partition. It may be one that was under way when the partition's log
// went back: then it must be committed down once more.
func (s *Subscription) has(f *partition, offset int64) {
	f.committed = offset
	if at := s.position(f); at >= 0 {
		f.explicit = offset > at
	}
}

package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// storeAll hands the positions that moved to librdkafka's next commit.
func (s *Subscription) storeAll(now time.Time) {
	if now.Sub(s.stored) < storeInterval {
		return
	}
	s.stored = now
	s.store()
}

// store is storeAll now. Positions that are lower than what the brokers have are committed as well.
func (s *Subscription) store() {
	s.storePositions()
	s.commitDown(time.Now())
}

func (s *Subscription) storePositions() {
	offsets := s.positions()
	if len(offsets) == 0 {
		return
	}
	err := s.consumer.Store(offsets)
	for _, o := range offsets {
		if f := s.partitions[record.TopicPartition{Topic: o.Topic, Partition: o.ID}]; o.Err == librdkafka.None && f != nil {
			f.commit.stored = o.Offset
		}
	}
	if err != nil {
		s.clientLog.LogFailure(s.log, librdkafka.Event{Text: "offsets not stored: " + err.Error()})
	}
}

// unstored tells whether a position is above what librdkafka commits.
//
//checker:seam position-above-stored
func (f *partition) unstored(position int64) bool { return position > f.commit.stored }

// positions are the offsets to commit that changed since they were last stored.
func (s *Subscription) positions() []librdkafka.Partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var offsets []librdkafka.Partition
	for tp, f := range s.partitions {
		if at := f.inDispatch.Ledger().Position(); f.unstored(at) {
			offsets = append(offsets, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: at})
		}
	}
	return offsets
}

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

// commitState is what is known of the commits of a partition. A commit goes down only when the log did, or somebody set
// the offset: see commitDown.
type commitState struct {
	stored    int64 // offset last handed to librdkafka to commit, -1 for none
	committed int64 // what the brokers have, as far as is known; -1 for nothing
	known     bool  // the brokers were asked what they have
	explicit  bool  // the position may be lower than that: it is committed explicitly until the brokers have it
	rewound   bool  // somebody has committed a lower offset than what is settled: see CommitAt
}

// restarted is the state when the partition's ledger begins again.
func (c commitState) restarted() commitState {
	return commitState{stored: -1, committed: c.committed, known: c.known, explicit: true}
}

// mayBeLower tells whether a position may be below the committed offset.
//
//checker:seam position-below-committed
func (f *partition) mayBeLower(position int64) bool { return f.commit.explicit && position >= 0 }

// lower are the positions that may be lower than what the brokers have.
func (s *Subscription) lower() (list []librdkafka.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tp, f := range s.partitions {
		if at := f.inDispatch.Ledger().Position(); f.mayBeLower(at) {
			list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: at})
		}
	}
	return list
}

// has notes that the brokers have an offset of a partition. It may be one that was under way when the partition's log
// went back: then it must be committed down once more.
func (s *Subscription) has(f *partition, offset int64) {
	f.commit.committed = offset
	if at := s.position(f); at >= 0 {
		f.commit.explicit = offset > at
	}
}

package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// commits are the explicit commits that are under way.
type commits struct {
	last    uint64                  // ticket of the commit that was begun last
	waiting map[uint64]chan<- error // who waits for a commit, by its ticket
	down    downwardCommit
}

func newCommits() commits { return commits{waiting: map[uint64]chan<- error{}} }

// begin has the consumer commit offsets, and returns the ticket of that. With an error it is 0, and done is told nothing;
// done may be nil.
func (c *commits) begin(consumer *client, list []librdkafka.Partition, done chan<- error) (ticket uint64, err error) {
	c.last++
	if err := consumer.Commit(list, c.last); err != nil {
		return 0, err
	}
	if done != nil {
		c.waiting[c.last] = done
	}
	return c.last, nil
}

// end tells who waits for a commit how it ended.
func (c *commits) end(ticket uint64, err error) {
	if done := c.waiting[ticket]; done != nil {
		delete(c.waiting, ticket)
		done <- err
	}
}

// endAll ends all commits with an error: nothing more is heard of them.
func (c *commits) endAll(err error) {
	for ticket := range c.waiting {
		c.end(ticket, err)
	}
	c.down = downwardCommit{}
}

// downwardCommit is the one explicit commit that may be under way of positions that are, or may be, lower than what the
// brokers have. librdkafka's own commits only go up; once a lower offset is committed they go on from there.
type downwardCommit struct {
	ticket    uint64    // of the commit that is under way, 0 for none
	notBefore time.Time // when another may be tried
}

// downwardRetry is the pause after a commit that failed: its cause may last.
const downwardRetry = time.Second

// mayBegin tells whether a commit may be tried.
func (d *downwardCommit) mayBegin(now time.Time) bool {
	return d.ticket == 0 && !now.Before(d.notBefore)
}

// begun notes the ticket of a commit, 0 for one that could not begin.
func (d *downwardCommit) begun(ticket uint64, now time.Time) {
	d.ticket = ticket
	if ticket == 0 {
		d.notBefore = now.Add(downwardRetry)
	}
}

// end notes how a commit ended, if it was this one.
func (d *downwardCommit) end(ticket uint64, code librdkafka.Code) {
	if ticket == 0 || ticket != d.ticket {
		return
	}
	d.ticket = 0
	if code != librdkafka.None {
		d.notBefore = time.Now().Add(downwardRetry)
	}
}

// storeAll hands the positions that moved to librdkafka's next commit.
func (s *Subscription) storeAll(now time.Time) {
	if now.Sub(s.storedAt) < storeInterval {
		return
	}
	s.storedAt = now
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
	s.consumer.logError("offsets not stored", err)
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

// commitDown commits positions explicitly, again until the brokers have them. One that waits for a coordinator waits
// alone.
func (s *Subscription) commitDown(now time.Time) {
	if !s.commits.down.mayBegin(now) {
		return
	}
	list := s.lower()
	if len(list) == 0 {
		return
	}
	ticket, err := s.commits.begin(&s.consumer, list, nil)
	s.consumer.logError("offsets not committed", err)
	s.commits.down.begun(ticket, now)
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

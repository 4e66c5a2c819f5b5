package consumer

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// commits are the explicit commits that are under way.
type commits struct {
	last    uint64                  // ticket of the commit that was begun last
	waiting map[uint64]chan<- error // told how a commit ended, by its ticket
	down    downwardCommit
}

func newCommits() commits { return commits{waiting: map[uint64]chan<- error{}} }

// begin has the consumer commit offsets, and returns the commit's ticket. done is told how the commit ended; it may be
// nil. With an error the ticket is 0, and done is told nothing.
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

// end tells the caller of a commit how that ended.
func (c *commits) end(ticket uint64, err error) {
	if done := c.waiting[ticket]; done != nil {
		delete(c.waiting, ticket)
		done <- err
	}
}

// endAll ends all commits with an error, because no answers will come.
func (c *commits) endAll(err error) {
	for ticket := range c.waiting {
		c.end(ticket, err)
	}
	c.down = downwardCommit{}
}

// downwardCommit is the one explicit commit of positions that may be lower than what the brokers have. librdkafka's own
// commits only go up. Once a lower offset is committed, they go on from there.
type downwardCommit struct {
	ticket    uint64    // of the commit that is under way, 0 for none
	notBefore time.Time // when another commit may be tried
}

// downwardRetry is the pause after a failed commit, because the cause may last.
const downwardRetry = time.Second

// mayBegin tells whether a commit may be tried now.
func (d *downwardCommit) mayBegin(now time.Time) bool {
	return d.ticket == 0 && !now.Before(d.notBefore)
}

// begun notes the ticket of a commit that has begun; 0 when it could not begin.
func (d *downwardCommit) begun(ticket uint64, now time.Time) {
	d.ticket = ticket
	if ticket == 0 {
		d.notBefore = now.Add(downwardRetry)
	}
}

// end notes how the commit of a ticket ended, if it is this one.
func (d *downwardCommit) end(ticket uint64, code librdkafka.Code) {
	if ticket == 0 || ticket != d.ticket {
		return
	}
	d.ticket = 0
	if code != librdkafka.None {
		d.notBefore = time.Now().Add(downwardRetry)
	}
}

// storeAll stores changed positions when storeInterval is over. librdkafka commits what is stored.
func (s *subscription) storeAll(now time.Time) {
	if now.Sub(s.storedAt) < storeInterval {
		return
	}
	s.storedAt = now
	s.store()
}

// store stores changed positions now. It commits positions that may be lower than what the brokers have.
func (s *subscription) store() {
	s.storePositions()
	s.commitDown(time.Now())
}

func (s *subscription) storePositions() {
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

// unstored tells whether a position is above the offset that librdkafka commits.
//
//checker:seam position-above-stored
func (f *partition) unstored(position int64) bool { return position > f.commit.stored }

// positions lists the positions that are above what is stored.
func (s *subscription) positions() []librdkafka.Partition {
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

// commitDown commits the positions that may be lower than what the brokers have, until the brokers have them. It is a
// commit of its own, so no other waits when a coordinator is silent.
func (s *subscription) commitDown(now time.Time) {
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

// commitState is what is known of the commits of a partition. A committed offset goes down only when the log went back,
// or when somebody set the offset: see commitDown.
type commitState struct {
	stored    int64 // offset that librdkafka was given last to commit, -1 for none
	committed int64 // offset that the brokers have, as far as is known; -1 for none
	known     bool  // the brokers were asked for the committed offset
	explicit  bool  // the position may be lower than committed: commitDown commits it until the brokers have it
	rewound   bool  // somebody has committed an offset below the position: see CommitAt
	rewoundAt int64 // the position then
}

// restarted is the state for a new ledger of the partition.
func (c commitState) restarted() commitState {
	return commitState{stored: -1, committed: c.committed, known: c.known, explicit: true}
}

// mayBeLower tells whether a position may be lower than what the brokers have.
//
//checker:seam position-below-committed
func (f *partition) mayBeLower(position int64) bool { return f.commit.explicit && position >= 0 }

// lower lists the positions that may be lower than what the brokers have.
func (s *subscription) lower() (list []librdkafka.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tp, f := range s.partitions {
		if at := f.inDispatch.Ledger().Position(); f.mayBeLower(at) {
			list = append(list, librdkafka.Partition{Topic: tp.Topic, ID: tp.Partition, Offset: at})
		}
	}
	return list
}

// has notes that the brokers have an offset of a partition. The commit may have been under way when the log went back.
// Then the position must be committed down once more.
func (s *subscription) has(f *partition, offset int64) {
	f.commit.committed = offset
	if at := s.position(f); at >= 0 {
		f.commit.explicit = offset > at
	}
}

// commitSoon has changed positions committed in the next round. The subscription's mu is held.
func (s *subscription) commitSoon() { s.wake() }

package consumer

import (
	"errors"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// commits are the commits that are under way.
type commits struct {
	last    uint64                    // ticket of the commit that was begun last
	pending map[uint64]*pendingCommit // by their tickets
	regular regularCommit
	limit   int // characters of metadata that the brokers have not refused; 0: no metadata
}

// pendingCommit is a commit that the brokers have not answered.
type pendingCommit struct {
	of    map[record.TopicPartition]committing
	limit int          // of the metadata; 0: there is none
	done  chan<- error // told how the commit ended; nil: nobody waits
}

// committing is what is to be committed of a partition.
type committing struct {
	f           *partition // nil: it is not assigned here
	settlements ledger.Settlements
	version     ledger.Version // of the settlements. The zero version: the offset is not the ledger's
}

func newCommits() commits {
	return commits{pending: map[uint64]*pendingCommit{}, limit: commitmeta.Limit}
}

// take removes a commit that was answered, and returns it; nil when it is not known.
func (c *commits) take(ticket uint64) *pendingCommit {
	p := c.pending[ticket]
	delete(c.pending, ticket)
	return p
}

// end tells the caller of a commit how that ended.
func (p *pendingCommit) end(err error) {
	if p.done != nil {
		p.done <- err
	}
}

// endAll ends all commits with an error, because no answers will come.
func (c *commits) endAll(err error) {
	for _, p := range c.pending {
		p.end(err)
	}
	clear(c.pending)
	c.regular = regularCommit{}
}

// begin commits offsets with the metadata that fits into limit characters. It returns the commit's ticket. done is told how
// the commit ended, and may be nil. With an error done is told nothing.
func (s *subscription) begin(of map[record.TopicPartition]committing, limit int, done chan<- error) (ticket uint64, err error) {
	list, now := make([]librdkafka.Partition, 0, len(of)), time.Now()
	for tp, c := range of {
		list = append(list, librdkafka.Partition{
			Topic: tp.Topic, ID: tp.Partition, Offset: c.settlements.Position,
			Metadata: metadataOf(&c.settlements, s.history.logID(tp.Topic), limit, now),
		})
	}
	s.commits.last++
	if err := s.consumer.Commit(list, s.commits.last); err != nil {
		return 0, err
	}
	s.commits.pending[s.commits.last] = &pendingCommit{of: of, limit: limit, done: done}
	return s.commits.last, nil
}

// metadataOf is the text that is committed with a position: what is settled above it, and what fails.
//
//checker:seam settled-beyond-a-gap
func metadataOf(settled *ledger.Settlements, log string, limit int, now time.Time) string {
	text, _ := commitmeta.Encode(settled.Position, &commitmeta.Map{Above: settled.Above, Failing: settled.Failing, Log: log, At: now}, limit)
	return text
}

// regularCommit is the commit that nobody waits for. It is of all partitions of which the brokers lack something. One is
// under way at a time.
type regularCommit struct {
	ticket    uint64    // of the commit that is under way, 0 for none
	begunAt   time.Time // when the last one was begun
	notBefore time.Time // after a failure: when another may be tried
}

const (
	// commitPause is the shortest time between two regular commits.
	commitPause = 20 * time.Millisecond
	// failedPause is the pause after a failed commit, because the cause may last.
	failedPause = time.Second
)

// begun notes the ticket of a commit that has begun; 0 when it could not begin.
func (r *regularCommit) begun(ticket uint64, now time.Time) {
	r.ticket = ticket
	if ticket == 0 {
		r.notBefore = now.Add(failedPause)
	}
}

// end notes how the commit of a ticket ended, if it is this one. again says that it has failed. The members of the group may
// just be changing: then the commit may be tried again soon.
func (r *regularCommit) end(ticket uint64, code librdkafka.Code, now time.Time) (again bool) {
	if ticket == 0 || ticket != r.ticket {
		return false
	}
	r.ticket = 0
	switch {
	case code == librdkafka.None:
		return false
	case passes(code):
		r.notBefore = now.Add(commitRetry)
	default:
		r.notBefore = now.Add(failedPause)
	}
	return true
}

// passes tells that a commit failed only because the members of the group were changing.
func passes(code librdkafka.Code) bool {
	return code == librdkafka.Rebalancing || code == librdkafka.StaleMemberEpoch
}

// commitInterval is the time between two regular commits.
func (s *subscription) commitInterval() time.Duration {
	millis, err := strconv.ParseInt(s.properties["auto.commit.interval.ms"], 10, 64)
	if err != nil || millis <= 0 {
		return s.cfg.Consume.CommitInterval
	}
	return time.Duration(millis) * time.Millisecond
}

// commitSoon has the next regular commit come within commitPause. Any goroutine may call it.
func (s *subscription) commitSoon() {
	if s.hurries.CompareAndSwap(false, true) {
		s.wake()
	}
}

// rest is how long the run goroutine may wait for events.
func (s *subscription) rest(now time.Time) time.Duration {
	r := &s.commits.regular
	if !s.hurries.Load() || r.ticket != 0 {
		return tick
	}
	due := r.begunAt.Add(commitPause)
	if r.notBefore.After(due) {
		due = r.notBefore
	}
	return min(tick, max(time.Millisecond, due.Sub(now)))
}

// commitRegularly begins a regular commit when the commit interval is over, or when it was asked for.
func (s *subscription) commitRegularly(now time.Time) {
	pause := s.commitInterval()
	if s.hurries.Load() {
		pause = commitPause
	}
	if r := &s.commits.regular; r.ticket == 0 && now.Sub(r.begunAt) >= pause && !now.Before(r.notBefore) {
		s.commitNow(now)
	}
}

// commitNow begins a regular commit, also when another is under way: partitions are about to leave.
func (s *subscription) commitNow(now time.Time) {
	s.hurries.Store(false)
	s.commits.regular.begunAt = now
	of := s.uncommitted()
	if len(of) == 0 {
		return
	}
	ticket, err := s.begin(of, s.commits.limit, nil)
	s.consumer.logError("offsets not committed", err)
	s.commits.regular.begun(ticket, now)
}

// uncommitted is what the brokers lack.
func (s *subscription) uncommitted() map[record.TopicPartition]committing {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := map[record.TopicPartition]committing{}
	for tp, f := range s.partitions {
		if f.due() {
			of[tp] = f.settled()
		}
	}
	return of
}

// settled is what is to be committed of a partition.
func (f *partition) settled() committing {
	l := f.inDispatch.Ledger()
	return committing{f: f, settlements: l.Settlements(), version: l.Version()}
}

// commitState is what is known of the commits of a partition.
type commitState struct {
	committed int64          // offset that the brokers have, as far as is known; -1 for none
	version   ledger.Version // of the settlements that they have
	mapped    bool           // they have metadata of ours with the offset
	known     bool           // the brokers were asked for the committed offset
	anew      bool           // the ledger began at another offset than the committed one, which the position may be below
	rewound   bool           // somebody has committed an offset below the position: see CommitAt
	rewoundAt int64          // the position then
	reach     int            // see ledger.Reach
}

// restarted is the state for a new ledger of the partition.
func (c commitState) restarted() commitState {
	return commitState{committed: c.committed, mapped: c.mapped, known: c.known, anew: true, reach: c.reach}
}

// due tells whether the brokers lack something of a partition. The subscription's mu is held.
//
//checker:seam settled-not-committed
func (f *partition) due() bool {
	l := f.inDispatch.Ledger()
	switch at := l.Base(); {
	case at < 0 || l.Version() == f.commit.version || f.rewinds():
		return false
	case at == f.commit.committed:
		return l.Sparse() || f.commit.mapped
	case at < f.commit.committed:
		return f.mayGoDown()
	}
	return true
}

// mayGoDown tells whether the committed offset may go down: only where the log went back, or somebody set the offset.
//
//checker:seam position-below-committed
func (f *partition) mayGoDown() bool { return f.commit.anew }

// lacks tells whether the brokers lack something of a partition.
func (s *subscription) lacks(f *partition) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.due()
}

// rewinds tells that the committed offset is below the position, because somebody wants that. It stays until more is settled.
func (f *partition) rewinds() bool {
	return f.commit.rewound && f.inDispatch.Ledger().Position() == f.commit.rewoundAt
}

// answer takes the answer to a commit. It notes what the brokers have, and tells who waits for the commit.
func (s *subscription) answer(event librdkafka.Event) {
	pending, failed, refused := s.commits.take(event.Ticket), event.Code, event.Code == librdkafka.MetadataTooLarge
	if pending == nil {
		pending = &pendingCommit{}
	}
	for i := range event.Partitions {
		p := &event.Partitions[i]
		c := pending.of[record.TopicPartition{Topic: p.Topic, Partition: p.ID}]
		switch {
		case p.Err != librdkafka.None:
			refused = refused || p.Err == librdkafka.MetadataTooLarge
			if failed == librdkafka.None {
				failed = p.Err
			}
		case event.Code == librdkafka.None && c.f != nil:
			c.f.commit.committed, c.f.commit.version, c.f.commit.mapped = p.Offset, c.version, p.Metadata != ""
			if pending.limit == 0 && s.commits.limit > 0 {
				c.f.commit.version = ledger.Version{} // the metadata is still to be committed
			}
			s.goDownSoon(c.f)
		}
	}
	if refused && pending.limit > 0 && s.commitWithout(event.Ticket, pending) {
		return
	}
	if s.commits.regular.end(event.Ticket, failed, time.Now()) {
		s.hurries.Store(true)
	}
	err := kerr.InGroup(kerr.FromCode(failed))
	if s.manual && errors.Is(err, kerr.ErrMoving) {
		err = kerr.ErrForeign
	}
	pending.end(err)
	s.noteFailedCommit(failed)
}

// goDownSoon has a position committed soon that is below what was just committed. The commit was under way when the log went
// back.
func (s *subscription) goDownSoon(f *partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.due() && f.inDispatch.Ledger().Base() < f.commit.committed {
		s.hurries.Store(true)
	}
}

// leastMetadata is the shortest metadata in characters that is worth having.
const leastMetadata = 256

// commitWithout commits once more without the metadata that the brokers have refused. From now on metadata is half as long.
func (s *subscription) commitWithout(ticket uint64, refused *pendingCommit) bool {
	s.groups.consumed.metadataRefused.Add(1)
	if refused.limit == s.commits.limit {
		s.shortenMetadata()
	}
	again, err := s.begin(refused.of, 0, refused.done)
	s.consumer.logError("offsets not committed", err)
	if err == nil && s.commits.regular.ticket == ticket {
		s.commits.regular.ticket = again
	}
	return err == nil
}

func (s *subscription) shortenMetadata() {
	was := s.commits.limit
	s.commits.limit /= 2
	if s.commits.limit < leastMetadata {
		s.commits.limit = 0
	}
	s.log.Warn("brokers refuse the metadata of a commit", "characters", was, "from_now_on", s.commits.limit, "see", "offset.metadata.max.bytes")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.partitions {
		f.commit.reach = commitmeta.Room(s.commits.limit)
		f.inDispatch.Ledger().Reach(f.commit.reach)
	}
}

// noteFailedCommit counts and logs a commit that has failed.
func (s *subscription) noteFailedCommit(code librdkafka.Code) {
	if code == librdkafka.None || code == librdkafka.NoOffset || passes(code) {
		return
	}
	s.groups.consumed.commitErrors.Add(1)
	if s.consumer.admits("commit: " + code.String()) { // once a second, as long as the failure lasts
		s.log.Warn("offsets not committed", "err", code.String())
	}
}

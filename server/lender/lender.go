package lender

import (
	"errors"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
)

// Lender lends the records of one group, with its topics and properties, to any number of workers. It is one
// kafka.Member. Kafka's side does not see workers, which come with a request and leave with its answer.
type Lender struct {
	all      *Lenders
	number   uint32
	key      string
	group    string
	interest kafka.SubscribeOptions
	wake     server.Bell // rings when there may be something to do
	users    int         // requests that use the lender now; Lenders.mu guards it
	seen     time.Time   // when the last of them ended; Lenders.mu guards it

	mu    sync.Mutex // guards state; taken after Lenders.mu, and before any lock of the kafka package
	state lending
}

// lending is what a Lender has lent, and the waiters for more.
type lending struct {
	member      *kafka.Member // nil before open
	over        bool          // the lender lends no more
	queue       queue
	book        book
	generations map[kafka.TopicPartition]uint64 // that the last record of each partition had
	last        uint64                          // generation of the last record
	full        error                           // why nothing was lent the last time; nil if nothing was there
	settled     time.Time                       // when a worker last settled something
}

const (
	// Turn is how often a Lender looks at the clock. No lease is shorter, and none ends later than its time plus a Turn.
	Turn = time.Second

	loopGap     = 10 * time.Second      // the loop beats at least so often
	expiryGrain = 10 * time.Millisecond // leases that end within it end together
)

// ErrEnded is returned to waiters of a Lender whose consumer has failed for good.
var ErrEnded = errors.New("the group's consumer failed; the next request opens another")

// open joins the group, if the lender has not joined yet. It returns false if the lender is over and the caller has to
// make another.
func (l *Lender) open() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.over || l.state.member != nil {
		return !l.state.over, nil
	}
	member, err := l.all.kafka.Join(l.identity(), l.interest, l.wake.Ring)
	if err != nil {
		l.state.over = true
		return false, err
	}
	l.state.member, l.state.settled = member, l.all.clock.Now()
	l.all.loops.Go(l.run)
	return true, nil
}

// run serves waiters and ends leases, until nobody needs the lender any more.
func (l *Lender) run() {
	beat, end := l.all.watch.Loop("takes:"+l.group, loopGap)
	defer end()
	timer := l.all.clock.NewTimer(Turn)
	defer timer.Stop()
	for {
		beat()
		timer.Reset(l.turn())
		select {
		case <-l.wake:
		case <-timer.C():
		case <-l.all.closing:
			l.all.end(l)
			return
		}
		if l.all.retire(l) {
			return
		}
	}
}

// turn does what there is to do. It returns how long to wait for the next turn.
func (l *Lender) turn() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.all.clock.Now()
	l.state.book.expire(now, l.expired)
	l.serve(now)
	if l.state.book.open() == 0 {
		return Turn
	}
	return min(Turn, max(expiryGrain, l.state.book.soonest.Sub(now)))
}

// release returns a record to Kafka's side, ahead of those that nobody had yet.
func (l *Lender) release(ended *lease) {
	l.state.member.Return(ended.TopicPartition, ended.offset)
	l.retryFull()
}

// expired reports that a worker has not settled a record in its time. The record has waited for that long, and comes again at
// once: many may be those of a worker that has died.
func (l *Lender) expired(ended *lease) {
	why := kafka.Failure{Reason: kafka.LeaseExpired, Class: "LeaseExpired", Message: "not settled within " + ended.timeout.String()}
	l.state.member.Fail(ended.TopicPartition, ended.offset, why, 0)
	l.retryFull()
}

// retryFull serves again if nothing could be lent because too much was lent already.
func (l *Lender) retryFull() {
	if l.state.full != nil {
		l.state.full = nil
		l.wake.Ring()
	}
}

// serve lends the waiters what there is, in the order in which they came.
func (l *Lender) serve(now time.Time) {
	queue := &l.state.queue
	for w := queue.first; w != nil; w = queue.first {
		b, err := l.lend(w.allowed(), w.quota, now)
		if err != nil {
			for queue.first != nil {
				queue.pop().answer(nil, err)
			}
			return
		}
		if b == nil { // the member rings when records come; retryFull rings when there is room
			return
		}
		queue.pop().answer(b, nil)
	}
}

// lend takes records from the member. It returns nil if there are none, or if too many are lent. It returns an error if
// no records can come.
func (l *Lender) lend(limits Limits, quota *Quota, now time.Time) (*Batch, error) {
	if l.state.over {
		return nil, ErrEnded
	}
	b := newBatch()
	var err error
	b.Records, err = l.state.member.Next(limits.Records, limits.Bytes, b.Records)
	l.state.full = nil
	if len(b.Records) > 0 {
		l.enter(b, limits, quota, now)
		return b, nil
	}
	b.Free()
	var window *kafka.WindowError
	if errors.As(err, &window) {
		l.state.full, err = window, nil
	}
	if err != nil && l.state.member.Broken() {
		l.state.over = true // run ends the lender
		l.wake.Ring()
	}
	return nil, err
}

// enter makes a lease of each record. Records that need no acknowledgement are settled here, before a worker gets them:
// they are delivered at most once.
func (l *Lender) enter(b *Batch, limits Limits, quota *Quota, now time.Time) {
	until := now.Add(limits.Timeout)
	for i := range b.Records {
		d := &b.Records[i]
		l.checkGeneration(d)
		if limits.Unacked {
			l.state.member.Accept(d.TopicPartition, d.Offset)
			continue
		}
		slot, secret := l.state.book.add(lease{
			TopicPartition: d.TopicPartition, offset: d.Offset, generation: d.Generation, timeout: limits.Timeout, until: until, quota: quota,
		})
		b.Leases = append(b.Leases, ID{l.number, slot, secret})
	}
}

// checkGeneration drops the old leases of a partition that was away, or whose position was set back. An acknowledgement
// of an old lease must not count for a record of the new generation.
func (l *Lender) checkGeneration(d *kafka.Delivery) {
	if d.Generation == l.state.last {
		return
	}
	l.state.last = d.Generation
	if old, known := l.state.generations[d.TopicPartition]; known && old != d.Generation {
		l.state.book.removeIf(func(held *lease) bool { return held.generation == old }, func(*lease) {})
	}
	l.state.generations[d.TopicPartition] = d.Generation
}

// Ask queues a waiter. If records are there and nobody else waits, the waiter gets them at once.
func (l *Lender) Ask(w *Waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.over {
		w.answer(nil, ErrEnded)
		return
	}
	l.state.queue.push(w)
	if l.state.queue.first == w {
		l.serve(l.all.clock.Now())
	}
}

// Leave takes a waiter out of the queue. It returns what the waiter was lent meanwhile. Without records, the error is
// a *kafka.WindowError if too much is lent, and nil if nothing was there.
func (l *Lender) Leave(w *Waiter) (*Batch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.queued {
		return w.Take()
	}
	l.state.queue.remove(w)
	if l.state.queue.first == nil && !l.state.over {
		l.state.member.StopWaiting()
	}
	return nil, l.state.full
}

// Unreachable is why no record could come: no broker answers, and none has let the group's consumer in. Else it is nil.
func (l *Lender) Unreachable() error {
	l.mu.Lock()
	member := l.state.member
	l.mu.Unlock()
	if member == nil {
		return nil
	}
	return member.Unreachable()
}

// GiveBack returns records that could not be written to the worker. A nil batch is nothing.
func (l *Lender) GiveBack(b *Batch) {
	if b == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range b.Leases {
		if held := l.state.book.find(id); held != nil {
			l.release(held)
			l.state.book.remove(id.slot)
		}
	}
	b.Free()
}

// Died returns every record that a stream has not settled when its client hung up.
func (l *Lender) Died(q *Quota) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.leases == 0 {
		return
	}
	var held []kafka.PartitionOffset
	l.state.book.removeIf(func(held *lease) bool { return held.quota == q }, func(ended *lease) {
		held = append(held, kafka.PartitionOffset{TopicPartition: ended.TopicPartition, Offset: ended.offset})
	})
	l.state.member.Died(held)
	l.retryFull()
}

// Allowance returns how many more leases a stream may have.
func (l *Lender) Allowance(q *Quota) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return q.most - q.leases
}

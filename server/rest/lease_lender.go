package rest

import (
	"errors"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// lender lends the records of one group, its topics and overrides to any number of workers. It is one
// kafka.Member: Kafka's side knows nothing of workers, who come with a request and go with its answer.
type lender struct {
	lenders  *lenders
	number   uint32
	key      string
	group    string
	interest kafka.Interest
	bell     chan struct{} // rings when there may be something to do
	users    int           // requests that are here; guarded by lenders' mu, as is
	seen     time.Time     // when the last of them ended

	mu      sync.Mutex // guards what follows; taken after lenders' mu, and before any of the kafka package
	member  *kafka.Member
	over    bool // nothing is lent any more
	queue   queue
	book    leases
	books   map[kafka.TopicPartition]uint64 // that the partitions' records come from
	last    uint64                          // the one that the last record came from
	full    error                           // why nothing was lent the last time, nil when nothing was there
	settled time.Time                       // when somebody last settled something, who need not ask for more
}

const (
	lenderTurn  = time.Second           // its goroutine looks at the clock so often: no lease is shorter, and none ends late
	lenderGap   = 10 * time.Second      // of its loop, for who watches over it
	expiryGrain = 10 * time.Millisecond // leases that end within it end together
)

// ring is called by the Kafka side when records may be there; it never waits.
func (l *lender) ring() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

// open takes the seat, if the lender has none yet; false when it is over, and another has to be made.
func (l *lender) open() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.member != nil {
		return !l.over, nil
	}
	member, err := l.lenders.kafka.Join(l.identity(), l.interest, l.ring)
	if err != nil {
		l.over = true
		return false, err
	}
	l.member, l.settled = member, l.lenders.now()
	l.lenders.work.Go(l.run)
	return true, nil
}

// run serves who waits and ends leases, until nobody needs the lender any more.
func (l *lender) run() {
	beat, end := l.lenders.register("takes:"+l.group, lenderGap)
	defer end()
	timer := time.NewTimer(lenderTurn)
	defer timer.Stop()
	for {
		beat()
		timer.Reset(l.turn())
		select {
		case <-l.bell:
		case <-timer.C:
		case <-l.lenders.ending:
			l.lenders.dismiss(l)
			return
		}
		if l.lenders.retire(l) {
			return
		}
	}
}

// turn does what there is to do, and says when to look again.
func (l *lender) turn() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.lenders.now()
	l.book.expire(now, l.release)
	l.serve(now)
	if l.book.open() == 0 {
		return lenderTurn
	}
	return min(lenderTurn, max(expiryGrain, l.book.soonest.Sub(now)))
}

// release gives a record back, in front of those that nobody has had.
func (l *lender) release(ended *lease) {
	l.member.Release(ended.TopicPartition, ended.offset, 0)
	l.room()
}

// room is for who waits because everything was lent.
func (l *lender) room() {
	if l.full != nil {
		l.full = nil
		l.ring()
	}
}

// serve gives those who wait what there is, in the order in which they came.
func (l *lender) serve(now time.Time) {
	for w := l.queue.first; w != nil; w = l.queue.first {
		p, err := l.lend(w.want(), w.holder, now)
		if err != nil {
			for l.queue.first != nil {
				l.queue.pop().answer(nil, err)
			}
			return
		}
		if p == nil { // the member rings when there is something, or room does
			return
		}
		l.queue.pop().answer(p, nil)
	}
}

// lend takes records off the member: nil when there are none, or when too many are lent. An error is why
// nothing can come.
func (l *lender) lend(want want, to *holder, now time.Time) (*parcel, error) {
	if l.over {
		return nil, errOver
	}
	p := newParcel()
	var err error
	p.lent, err = l.member.Next(want.limit, want.bytes, p.lent)
	l.full = nil
	if len(p.lent) > 0 {
		l.enter(p, want, to, now)
		return p, nil
	}
	p.free()
	var window *kafka.WindowError
	if errors.As(err, &window) {
		l.full, err = tooMuchLent(window), nil
	}
	if err != nil && l.member.Broken() {
		l.over = true // the goroutine makes an end of it
		l.ring()
	}
	return nil, err
}

// enter notes in the book what is lent. What needs no acknowledgement is settled before anybody gets it: at
// most once.
func (l *lender) enter(p *parcel, want want, to *holder, now time.Time) {
	until := now.Add(want.timeout)
	for i := range p.lent {
		d := &p.lent[i]
		l.notice(d)
		if want.unacked {
			l.member.Accept(d.TopicPartition, d.Offset)
			continue
		}
		slot, secret := l.book.add(lease{
			TopicPartition: d.TopicPartition, offset: d.Offset, book: d.Book, timeout: want.timeout, until: until, holder: to,
		})
		p.leases = append(p.leases, leaseID{l.number, slot, secret})
	}
}

// notice sees that a partition has another book: it was away, or its position was set back. What was lent of
// the old one must not be taken for what is lent of the new one.
func (l *lender) notice(d *kafka.Delivery) {
	if d.Book == l.last {
		return
	}
	l.last = d.Book
	if was, known := l.books[d.TopicPartition]; known && was != d.Book {
		l.book.each(func(old *lease) bool { return old.book == was }, func(*lease) {})
	}
	l.books[d.TopicPartition] = d.Book
}

// ask puts a waiter into the queue, unless there is something for it now and nobody else waits.
func (l *lender) ask(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		w.answer(nil, errOver)
		return
	}
	l.queue.push(w)
	if l.queue.first == w {
		l.serve(l.lenders.now())
	}
}

// leave takes a waiter out of the queue. It returns what the waiter was given meanwhile, and why it got
// nothing, where that is not simply that nothing was there.
func (l *lender) leave(w *waiter) (*parcel, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.queued {
		return w.take()
	}
	l.queue.remove(w)
	if l.queue.first == nil && !l.over {
		l.member.StopWaiting()
	}
	return nil, l.full
}

// restore gives back what could not be handed over.
func (l *lender) restore(p *parcel) {
	if p == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range p.leases {
		if held := l.book.find(id); held != nil {
			l.release(held)
			l.book.remove(id.slot)
		}
	}
	p.free()
}

// forsake gives back everything that a stream has not acknowledged.
func (l *lender) forsake(h *holder) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.leases > 0 {
		l.book.each(func(held *lease) bool { return held.holder == h }, l.release)
	}
}

// allowance is how many more leases a holder may have.
func (l *lender) allowance(h *holder, most int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return most - h.leases
}

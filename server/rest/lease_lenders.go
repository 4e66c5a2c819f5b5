package rest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// lenders are those that are open, one for each group with its topics and overrides. consume.max_subscriptions
// bounds them.
type lenders struct {
	kafka    *kafka.Client
	register func(loop string, gap time.Duration) (beat, end func())
	now      func() time.Time
	ending   chan struct{} // closed when all shall end
	work     sync.WaitGroup

	mu       sync.Mutex // guards what follows
	closed   bool
	serial   uint32
	byKey    map[string]*lender
	byNumber map[uint32]*lender
}

func newLenders(client *kafka.Client, register func(string, time.Duration) (beat, end func())) *lenders {
	return &lenders{
		kafka: client, register: register, now: time.Now, ending: make(chan struct{}),
		byKey: map[string]*lender{}, byNumber: map[uint32]*lender{},
	}
}

// errOver ends what a lender does when its consumer has failed for good.
var errOver = unavailable("the group's consumer failed; the next request opens another")

func tooMuchLent(e *kafka.WindowError) error {
	f := unavailable(fmt.Sprintf("%d records (%d bytes) are lent and not acknowledged, and no more are until some are: "+
		"consume.window_records and consume.window_bytes bound them", e.Records, e.Bytes))
	f.status, f.code = http.StatusTooManyRequests, http.StatusTooManyRequests
	return f
}

// open tells whether there is a lender of that key.
func (s *lenders) open(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey[key] != nil
}

// enter finds or makes the lender of that key. Who has it leaves it.
func (s *lenders) enter(ctx context.Context, key, group string, in kafka.Interest) (*lender, error) {
	ctx, cancel := context.WithTimeout(ctx, roomWait)
	defer cancel()
	for {
		l, err := s.place(key, group, in)
		if err != nil {
			return nil, err
		}
		open, err := l.open() //nolint:contextcheck // a subscription outlives who opens it
		if open {
			return l, nil
		}
		s.exit(l)
		s.remove(l)
		if err != nil && (!roomSoon(err) || !rings(ctx, l.bell)) {
			return nil, err
		}
	}
}

func (s *lenders) place(key, group string, in kafka.Interest) (*lender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errStopping()
	}
	l := s.byKey[key]
	if l == nil {
		s.serial++
		l = &lender{
			lenders: s, number: s.serial, key: key, group: group, interest: in,
			bell: make(chan struct{}, 1), books: map[kafka.TopicPartition]uint64{},
		}
		s.byKey[key], s.byNumber[l.number] = l, l
	}
	l.users++
	return l, nil
}

// identity is a name that no client of another door can have: theirs have no spaces.
func (l *lender) identity() kafka.Identity {
	return kafka.Identity{Group: l.group, Name: fmt.Sprintf("http takes %d", l.number)}
}

// numbered finds the lender that lent something, nil when it is none of the group, or not there any more.
func (s *lenders) numbered(n uint32, group string) *lender {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.byNumber[n]; l != nil && l.group == group {
		return l
	}
	return nil
}

// remove makes room for another lender of the same key.
func (s *lenders) remove(l *lender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(l)
}

func (s *lenders) forget(l *lender) {
	if s.byKey[l.key] == l {
		delete(s.byKey, l.key)
	}
	delete(s.byNumber, l.number)
}

// dismiss ends a lender whatever it has lent.
func (s *lenders) dismiss(l *lender) {
	s.remove(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// end gives the seat up: what is lent goes to others, and who waits is told. mu is held.
func (l *lender) end() {
	l.over = true
	for l.queue.first != nil {
		l.queue.pop().answer(nil, errOver)
	}
	l.book.each(func(*lease) bool { return true }, func(*lease) {})
	l.member.Leave(true)
}

// close ends all lenders, and waits for them. Nobody may be waiting with one of them.
func (s *lenders) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.ending)
	}
	s.mu.Unlock()
	s.work.Wait()
}

// untilSettled waits until workers have nothing in their hands any more, or ctx ends.
func (s *lenders) untilSettled(ctx context.Context) {
	look := time.NewTicker(settleLook)
	defer look.Stop()
	for ctx.Err() == nil && s.inHands() > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
		}
	}
}

const settleLook = 10 * time.Millisecond

// inHands is how many records workers have.
func (s *lenders) inHands() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byNumber {
		l.mu.Lock()
		n += l.book.open() - l.book.parked
		l.mu.Unlock()
	}
	return n
}

func errStopping() error { return unavailable(kafka.ErrStopping.Error()) }

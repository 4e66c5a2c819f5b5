// Package lender lends the records of consumer groups to workers for a limited time.
//
// A worker settles a lease: it accepts, releases or renews it (the words are those of Kafka's KIP-932). A lease that is
// not settled in its time ends by itself, and its record is lent again.
package lender

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
)

// Lenders are the open lenders, one for each group with its topics and properties. The number of subscriptions bounds
// them.
type Lenders struct {
	clock   server.Clock // of all leases
	kafka   *kafka.Client
	watch   server.Watch
	closing chan struct{}  // closed by Close
	loops   sync.WaitGroup // goroutines of the lenders

	mu       sync.Mutex // guards what follows
	closed   bool
	serial   uint32
	byKey    map[string]*Lender
	byNumber map[uint32]*Lender
}

// New returns no lenders yet.
func New(client *kafka.Client, watch server.Watch, clock server.Clock) *Lenders {
	return &Lenders{
		clock: clock, kafka: client, watch: watch, closing: make(chan struct{}),
		byKey: map[string]*Lender{}, byNumber: map[uint32]*Lender{},
	}
}

// Has reports whether there is a lender of that key.
func (s *Lenders) Has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey[key] != nil
}

// Enter finds or makes the lender of that key. The caller must call Exit when its request ends.
func (s *Lenders) Enter(ctx context.Context, key, group string, in kafka.SubscribeOptions) (*Lender, error) {
	ctx, cancel := context.WithTimeout(ctx, server.SubscriptionWait)
	defer cancel()
	var l *Lender
	err := server.JoinWithin(func() (err error) { //nolint:contextcheck // a subscription outlives the request that opens it
		l, err = s.enter(key, group, in)
		return err
	}, func(refusal error) error { return l.wake.Await(ctx, refusal) })
	if err != nil {
		return nil, err
	}
	return l, nil
}

// enter is Enter without a wait. With an error the lender is over; its bell rings when another attempt is worth it.
func (s *Lenders) enter(key, group string, in kafka.SubscribeOptions) (*Lender, error) {
	for {
		l, err := s.use(key, group, in)
		if err != nil {
			return nil, err
		}
		open, err := l.open()
		if open {
			return l, nil
		}
		s.Exit(l)
		s.remove(l)
		if err != nil {
			return l, err
		}
	}
}

// use finds or makes a lender, which may not be open yet.
func (s *Lenders) use(key, group string, in kafka.SubscribeOptions) (*Lender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, kafka.ErrStopping
	}
	l := s.byKey[key]
	if l == nil {
		s.serial++
		l = &Lender{all: s, number: s.serial, key: key, group: group, interest: in, wake: server.NewBell()}
		l.state.generations = map[kafka.TopicPartition]uint64{}
		s.byKey[key], s.byNumber[l.number] = l, l
	}
	l.users++
	return l, nil
}

// identity is a name that no client of another door can have: their names have no spaces.
func (l *Lender) identity() kafka.Identity {
	return kafka.Identity{Group: l.group, Name: fmt.Sprintf("http takes %d", l.number)}
}

// numbered finds the lender that a lease came from; nil if it has ended, or lends to another group.
func (s *Lenders) numbered(n uint32, group string) *Lender {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.byNumber[n]; l != nil && l.group == group {
		return l
	}
	return nil
}

// remove makes room for another lender of the same key.
func (s *Lenders) remove(l *Lender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(l)
}

// drop is remove; mu is held.
func (s *Lenders) drop(l *Lender) {
	if s.byKey[l.key] == l {
		delete(s.byKey, l.key)
	}
	delete(s.byNumber, l.number)
}

// end ends a lender even if records are lent.
func (s *Lenders) end(l *Lender) {
	s.remove(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave()
}

// leave leaves the group: lent records go to others, and waiters get ErrEnded. mu is held.
func (l *Lender) leave() {
	l.state.over = true
	for l.state.queue.first != nil {
		l.state.queue.pop().answer(nil, ErrEnded)
	}
	l.state.book.removeIf(func(*lease) bool { return true }, func(*lease) {})
	l.state.member.Leave(true)
}

// Close ends all lenders, and waits for them. No request may be waiting for records then.
func (s *Lenders) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.loops.Wait()
}

// settleInterval is the time between two looks of WaitSettled.
const settleInterval = 10 * time.Millisecond

// WaitSettled waits until workers have settled every lease, or ctx ends.
func (s *Lenders) WaitSettled(ctx context.Context) {
	tick := time.NewTicker(settleInterval)
	defer tick.Stop()
	for ctx.Err() == nil && s.lent() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// lent is how many records workers have.
func (s *Lenders) lent() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byNumber {
		l.mu.Lock()
		n += l.state.book.open()
		l.mu.Unlock()
	}
	return n
}

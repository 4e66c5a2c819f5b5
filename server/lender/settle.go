package lender

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// Settlement is what a worker says about one lease.
type Settlement struct {
	Lease ID
	Verb  Verb
	Span  time.Duration // of a release: until the record may be lent again; of a renewal: 0 for the lease's own time
}

// Verb is what becomes of a record, in the words of KIP-932.
type Verb int

// The verbs.
const (
	Accept Verb = iota
	Release
	Reject
	Renew
	verbs
)

// Settled counts the settlements that had an effect, by verb.
type Settled [verbs]int

// Stale returns how many settlements of the list had no effect.
func (c *Settled) Stale(list []Settlement) int {
	n := len(list)
	for _, done := range c {
		n -= done
	}
	return n
}

// Settle does what the list says about leases of the group. A lease that has ended is stale: its record was lent again,
// or will be.
func (s *Lenders) Settle(group string, list []Settlement) (done Settled) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Lease.lender == list[0].Lease.lender {
			n++
		}
		if l := s.numbered(list[0].Lease.lender, group); l != nil {
			l.settle(list[:n], &done)
		}
		list = list[n:]
	}
	return done
}

func (l *Lender) settle(list []Settlement, done *Settled) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.over {
		return // the leases end with the lender
	}
	now := l.all.clock.Now()
	l.state.settled = now // a worker that settles is still here, even if it asks for nothing
	for _, s := range list {
		held := l.state.book.find(s.Lease)
		if held != nil && now.Before(held.until) && settle[s.Verb](l, held, s, now) {
			done[s.Verb]++
		}
	}
	l.retryFull()
}

// settle has what each verb does. It returns false if the record is not there any more.
var settle = [verbs]func(*Lender, *lease, Settlement, time.Time) bool{
	Accept:  (*Lender).accept,
	Release: (*Lender).giveUp,
	Reject:  func(*Lender, *lease, Settlement, time.Time) bool { return false }, // the caller refuses it
	Renew:   (*Lender).renew,
}

func (l *Lender) accept(held *lease, s Settlement, _ time.Time) bool {
	did := l.state.member.Accept(held.TopicPartition, held.offset)
	l.state.book.remove(s.Lease.slot)
	return did
}

// giveUp releases a record. A record with a delay stays in this book until it is due: Kafka's side would hold back the
// records behind it.
func (l *Lender) giveUp(held *lease, s Settlement, now time.Time) bool {
	if s.Span > 0 {
		if !l.state.member.Owes(held.TopicPartition, held.offset) {
			l.state.book.remove(s.Lease.slot)
			return false
		}
		l.state.book.delay(held, now.Add(s.Span))
		l.wake.Ring() // the record may be due before the next turn
		return true
	}
	did := l.state.member.Fail(held.TopicPartition, held.offset, kafka.Failure{}, 0)
	l.state.book.remove(s.Lease.slot)
	return did
}

func (l *Lender) renew(held *lease, s Settlement, now time.Time) bool {
	if !l.state.member.Owes(held.TopicPartition, held.offset) {
		l.state.book.remove(s.Lease.slot)
		return false
	}
	if s.Span > 0 {
		held.timeout = s.Span
	}
	l.state.book.postpone(held, now.Add(held.timeout))
	return true
}

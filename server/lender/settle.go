package lender

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// Settlement is what a worker says about one lease.
type Settlement struct {
	Lease ID
	Verb  Verb
	// Span of a release is the time until the record may be lent again, or kafka.ByPolicy; of a renewal the lease's new time,
	// or 0 for its own.
	Span    time.Duration
	Failure kafka.Failure // of a release or a rejection: why
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

// Letters are the dead letters of rejected records that are being written.
type Letters struct {
	Written chan error // one for each letter, when its end is known
	Count   int        // of them
}

// Settle does what the list says about leases of the group. A lease that has ended is stale: its record was lent again,
// or will be. Records are rejected when their letters are written, and not counted as such before. kafka.ErrNoDeadLetters says
// that one of the records cannot be rejected; then nothing was done.
func (s *Lenders) Settle(group string, list []Settlement) (done Settled, letters Letters, err error) {
	runs := s.runs(group, list)
	for _, r := range runs {
		if err := r.lender.mayReject(r.list); err != nil {
			return done, letters, err
		}
	}
	letters.Written = make(chan error, len(list))
	for _, r := range runs {
		r.lender.settle(r.list, &done, &letters)
	}
	return done, letters, nil
}

// run are settlements that follow each other in a list and are of one lender.
type run struct {
	lender *Lender
	list   []Settlement
}

// runs leaves out the leases that no lender of the group has given.
func (s *Lenders) runs(group string, list []Settlement) (runs []run) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Lease.lender == list[0].Lease.lender {
			n++
		}
		if l := s.numbered(list[0].Lease.lender, group); l != nil {
			runs = append(runs, run{l, list[:n]})
		}
		list = list[n:]
	}
	return runs
}

// mayReject tells whether all records that the list rejects can be given up.
func (l *Lender) mayReject(list []Settlement) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range list {
		if s.Verb != Reject || l.state.over {
			continue
		}
		held := l.state.book.find(s.Lease)
		if held == nil {
			continue
		}
		if p := l.all.kafka.FailurePolicy(l.group, held.Topic); !p.DeadLetter.Set() {
			return kafka.ErrNoDeadLetters
		}
	}
	return nil
}

func (l *Lender) settle(list []Settlement, done *Settled, letters *Letters) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.over {
		return // the leases end with the lender
	}
	now := l.all.clock.Now()
	l.state.settled = now // a worker that settles is still here, even if it asks for nothing
	for i := range list {
		s := &list[i]
		held := l.state.book.find(s.Lease)
		switch {
		case held == nil || !now.Before(held.until):
		case s.Verb == Reject:
			l.reject(held, s, letters)
		case settle[s.Verb](l, held, s, now):
			done[s.Verb]++
		}
	}
	l.retryFull()
}

// settle has what each verb does but Reject. It returns false if the record is not there any more.
var settle = [verbs]func(*Lender, *lease, *Settlement, time.Time) bool{
	Accept:  (*Lender).accept,
	Release: (*Lender).fail,
	Renew:   (*Lender).renew,
}

func (l *Lender) accept(held *lease, s *Settlement, _ time.Time) bool {
	did := l.state.member.Accept(held.TopicPartition, held.offset)
	l.state.book.remove(s.Lease.slot)
	return did
}

func (l *Lender) fail(held *lease, s *Settlement, _ time.Time) bool {
	did := l.state.member.Fail(held.TopicPartition, held.offset, s.Failure, s.Span)
	l.state.book.remove(s.Lease.slot)
	return did
}

// reject gives a record up. A policy that has lost its dead-letter topic since it was asked leaves the lease as it is.
func (l *Lender) reject(held *lease, s *Settlement, letters *Letters) {
	written := letters.Written // has room for all
	did, err := l.state.member.Reject(held.TopicPartition, held.offset, s.Failure, func(err error) { written <- err })
	if err != nil {
		return
	}
	l.state.book.remove(s.Lease.slot)
	letters.Count += one(did)
}

func one(did bool) int {
	if did {
		return 1
	}
	return 0
}

func (l *Lender) renew(held *lease, s *Settlement, now time.Time) bool {
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

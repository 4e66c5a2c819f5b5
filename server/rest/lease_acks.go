package rest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// settlement is what a worker says of one lease.
type settlement struct {
	lease leaseID
	verb  verb
	span  time.Duration // of a release: until it may be lent again; of a renewal: 0 for as long as before
}

// verb is what becomes of a record, in the words of KIP-932.
type verb int

const (
	accept verb = iota
	release
	reject
	renew
)

// tally is what became of the settlements of a request.
type tally struct{ done [4]int }

func (t *tally) stale(of []settlement) int {
	n := len(of)
	for _, done := range t.done {
		n -= done
	}
	return n
}

// acks settles leases, also while sluice stops. One that has ended is stale, which is no error: its record
// was lent again, or will be.
func acks(x *exchange) error {
	group := x.r.PathValue("group")
	if err := validGroup(group); err != nil {
		return err
	}
	if _, err := x.query(); err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	list, err := parseAcks(body)
	if err != nil {
		return err
	}
	t := x.lenders.settle(group, list)
	out := strconv.AppendInt([]byte(`{"accepted":`), int64(t.done[accept]), 10)
	out = strconv.AppendInt(append(out, `,"released":`...), int64(t.done[release]), 10)
	out = strconv.AppendInt(append(out, `,"rejected":`...), int64(t.done[reject]), 10)
	out = strconv.AppendInt(append(out, `,"renewed":`...), int64(t.done[renew]), 10)
	out = strconv.AppendInt(append(out, `,"stale":`...), int64(t.stale(list)), 10)
	x.send(http.StatusOK, append(out, '}'))
	return nil
}

// noDeadLetters refuses a request that rejects, before anything of it is done.
func noDeadLetters() error {
	return plain(http.StatusConflict, "%v; nothing of this request was done", kafka.ErrNoDeadLetters)
}

// settle does what the list says, of those leases that are the group's.
func (s *lenders) settle(group string, list []settlement) (t tally) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].lease.lender == list[0].lease.lender {
			n++
		}
		if l := s.numbered(list[0].lease.lender, group); l != nil {
			l.settle(list[:n], &t)
		}
		list = list[n:]
	}
	return t
}

func (l *lender) settle(list []settlement, t *tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return // nothing would come of it
	}
	now := l.lenders.now()
	l.settled = now // who settles is still here, though nothing may be lent afterwards
	for _, s := range list {
		held := l.book.find(s.lease)
		if held != nil && now.Before(held.until) && settling[s.verb](l, held, s, now) {
			t.done[s.verb]++
		}
	}
	l.room()
}

// settling are what settles a lease; false when its record is not there any more.
var settling = [...]func(*lender, *lease, settlement, time.Time) bool{
	accept:  (*lender).accept,
	release: (*lender).giveUp,
	reject:  func(*lender, *lease, settlement, time.Time) bool { return false }, // refused before it comes here
	renew:   (*lender).renew,
}

func (l *lender) accept(held *lease, s settlement, _ time.Time) bool {
	did := l.member.Accept(held.TopicPartition, held.offset)
	l.book.remove(s.lease.slot)
	return did
}

// giveUp releases a record. One that shall rest stays here meanwhile: in its partition's book it would keep
// back those behind it.
func (l *lender) giveUp(held *lease, s settlement, now time.Time) bool {
	if s.span > 0 {
		if !l.member.Renew(held.TopicPartition, held.offset) {
			l.book.remove(s.lease.slot)
			return false
		}
		l.book.park(held, now.Add(s.span))
		l.ring() // it may be due before the next turn
		return true
	}
	did := l.member.Release(held.TopicPartition, held.offset, 0)
	l.book.remove(s.lease.slot)
	return did
}

func (l *lender) renew(held *lease, s settlement, now time.Time) bool {
	if !l.member.Renew(held.TopicPartition, held.offset) {
		l.book.remove(s.lease.slot)
		return false
	}
	if s.span > 0 {
		held.timeout = s.span
	}
	l.book.postpone(held, now.Add(held.timeout))
	return true
}

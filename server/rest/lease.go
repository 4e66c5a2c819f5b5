package rest

import (
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// leaseID names one lending of one record. No other lending has the same, also none of the same record, so
// that a late acknowledgement never counts for who has the record now.
type leaseID struct {
	lender uint32 // its number
	slot   uint32 // where its book has it
	secret uint64 // random: nobody guesses a lease, and a slot that is used again is another lease
}

const (
	leaseBytes = 16
	leaseText  = (leaseBytes*8 + 5) / 6 // in base64
)

// appendLease writes a lease as clients see it.
func appendLease(out []byte, id leaseID) []byte {
	var raw [leaseBytes]byte
	binary.BigEndian.PutUint32(raw[0:], id.lender)
	binary.BigEndian.PutUint32(raw[4:], id.slot)
	binary.BigEndian.PutUint64(raw[8:], id.secret)
	return base64.RawURLEncoding.AppendEncode(out, raw[:])
}

// parseLease reads what appendLease wrote; false for anything else.
func parseLease(text []byte) (id leaseID, ok bool) {
	var raw [leaseBytes]byte
	if len(text) != leaseText {
		return id, false
	}
	if n, err := base64.RawURLEncoding.Strict().Decode(raw[:], text); err != nil || n != leaseBytes {
		return id, false
	}
	return leaseID{binary.BigEndian.Uint32(raw[0:]), binary.BigEndian.Uint32(raw[4:]), binary.BigEndian.Uint64(raw[8:])}, true
}

// lease is a record in somebody's hands.
type lease struct {
	kafka.TopicPartition

	offset  int64
	book    uint64        // kafka.Delivery.Book
	secret  uint64        // 0: the slot is free
	timeout time.Duration // what it was lent for
	until   time.Time     // when the record goes back by itself
	holder  *holder       // whose bound it counts against, nil for nobody's
	parked  bool          // it is nobody's, and its record rests
}

// holder is a stream that may have so many leases.
type holder struct {
	leases int
	bell   chan struct{} // rings when one has ended
}

// leases is the book of what a lender has lent. It is as large as the most leases that there were at once,
// until there are none. It has no lock and no clock.
type leases struct {
	slots   []lease
	vacant  []uint32
	parked  int
	soonest time.Time // no lease ends before
}

// open is how many leases there are.
func (b *leases) open() int { return len(b.slots) - len(b.vacant) }

// add enters a lending, and returns its slot and its secret.
func (b *leases) add(l lease) (slot uint32, secret uint64) {
	for l.secret == 0 {
		l.secret = rand.Uint64() // ChaCha8, seeded by the system
	}
	if l.holder != nil {
		l.holder.leases++
	}
	if b.open() == 0 || l.until.Before(b.soonest) {
		b.soonest = l.until
	}
	if n := len(b.vacant); n > 0 {
		slot, b.vacant = b.vacant[n-1], b.vacant[:n-1]
		b.slots[slot] = l
	} else {
		slot = uint32(len(b.slots)) //nolint:gosec // bounded by the windows
		b.slots = append(b.slots, l)
	}
	return slot, l.secret
}

// find returns the lease that an id names, nil when it has ended.
func (b *leases) find(id leaseID) *lease {
	if int(id.slot) >= len(b.slots) || id.secret == 0 || b.slots[id.slot].secret != id.secret {
		return nil
	}
	return &b.slots[id.slot]
}

// keptSlots is how large a book may stay when it is empty.
const keptSlots = 1024

// remove ends the lease in a slot.
func (b *leases) remove(slot uint32) {
	b.unhold(&b.slots[slot])
	if b.slots[slot].parked {
		b.parked--
	}
	b.slots[slot] = lease{}
	b.vacant = append(b.vacant, slot)
	if b.open() == 0 && len(b.slots) > keptSlots {
		*b = leases{}
	}
}

// unhold takes the lease off its holder's account.
func (*leases) unhold(l *lease) {
	h := l.holder
	if h == nil {
		return
	}
	l.holder = nil
	h.leases--
	select {
	case h.bell <- struct{}{}:
	default:
	}
}

// postpone moves the end of a lease.
func (b *leases) postpone(l *lease, until time.Time) {
	l.until = until
	if until.Before(b.soonest) {
		b.soonest = until
	}
}

// park ends a lease for its worker, but keeps the record until the time given.
func (b *leases) park(l *lease, until time.Time) {
	b.unhold(l)
	l.parked = true
	b.parked++
	for was := l.secret; l.secret == was || l.secret == 0; {
		l.secret = rand.Uint64()
	}
	b.postpone(l, until)
}

// each removes the leases that are chosen, and shows them.
func (b *leases) each(chosen func(*lease) bool, show func(*lease)) {
	for i := len(b.slots) - 1; i >= 0 && i < len(b.slots); i-- { // the last removal may take the slots away
		l := &b.slots[i]
		if l.secret == 0 || !chosen(l) {
			continue
		}
		show(l)
		b.remove(uint32(i)) //nolint:gosec // bounded by the windows
	}
}

// expire removes the leases whose time is over, and shows them.
func (b *leases) expire(now time.Time, show func(*lease)) {
	if b.open() == 0 || now.Before(b.soonest) {
		return
	}
	var soonest time.Time
	b.each(func(l *lease) bool {
		over := !now.Before(l.until)
		if !over && (soonest.IsZero() || l.until.Before(soonest)) {
			soonest = l.until
		}
		return over
	}, show)
	b.soonest = soonest
}

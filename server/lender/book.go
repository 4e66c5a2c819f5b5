package lender

import (
	"math/rand/v2"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// lease is a record that a worker has.
type lease struct {
	kafka.TopicPartition

	offset     int64
	generation uint64        // kafka.Delivery.Generation
	secret     uint64        // of its ID; 0 if the slot is free
	timeout    time.Duration // how long the record was lent
	until      time.Time     // when the lease ends by itself
	quota      *Quota        // the stream that the lease counts for; nil for none
}

// book holds the leases of a Lender. Its size is the most leases that were open at once since it was empty. It has no
// lock and no clock.
type book struct {
	slots   []lease
	vacant  []uint32
	soonest time.Time // no lease ends before
}

// open returns how many leases there are.
func (b *book) open() int { return len(b.slots) - len(b.vacant) }

// add stores a lease, and returns its slot and its secret.
func (b *book) add(l lease) (slot uint32, secret uint64) {
	for l.secret == 0 {
		l.secret = rand.Uint64() // ChaCha8, seeded by the system
	}
	if l.quota != nil {
		l.quota.leases++
	}
	if b.open() == 0 || l.until.Before(b.soonest) {
		b.soonest = l.until
	}
	if n := len(b.vacant); n > 0 {
		slot, b.vacant = b.vacant[n-1], b.vacant[:n-1]
		b.slots[slot] = l
	} else {
		slot = uint32(len(b.slots)) //nolint:gosec // the windows bound it
		b.slots = append(b.slots, l)
	}
	return slot, l.secret
}

// find returns the lease that an ID names; nil if it has ended.
func (b *book) find(id ID) *lease {
	if int(id.slot) >= len(b.slots) || id.secret == 0 || b.slots[id.slot].secret != id.secret {
		return nil
	}
	return &b.slots[id.slot]
}

// keptSlots is how many slots an empty book keeps.
const keptSlots = 1024

// remove ends the lease in a slot.
func (b *book) remove(slot uint32) {
	b.slots[slot].freeQuota()
	b.slots[slot] = lease{}
	b.vacant = append(b.vacant, slot)
	if b.open() == 0 && len(b.slots) > keptSlots {
		*b = book{}
	}
}

// freeQuota makes room for another lease of the stream.
func (l *lease) freeQuota() {
	q := l.quota
	if q == nil {
		return
	}
	l.quota = nil
	q.leases--
	q.Freed.Ring()
}

// postpone moves the end of a lease.
func (b *book) postpone(l *lease, until time.Time) {
	l.until = until
	if until.Before(b.soonest) {
		b.soonest = until
	}
}

// removeIf removes the leases for which chosen is true. It calls removed with each before.
func (b *book) removeIf(chosen func(*lease) bool, removed func(*lease)) {
	for i := len(b.slots) - 1; i >= 0 && i < len(b.slots); i-- { // the last removal may drop all slots
		l := &b.slots[i]
		if l.secret == 0 || !chosen(l) {
			continue
		}
		removed(l)
		b.remove(uint32(i)) //nolint:gosec // the windows bound it
	}
}

// expire removes the leases whose time is over. It calls removed with each before.
func (b *book) expire(now time.Time, removed func(*lease)) {
	if b.open() == 0 || now.Before(b.soonest) {
		return
	}
	var soonest time.Time
	b.removeIf(func(l *lease) bool {
		over := !now.Before(l.until)
		if !over && (soonest.IsZero() || l.until.Before(soonest)) {
			soonest = l.until
		}
		return over
	}, removed)
	b.soonest = soonest
}

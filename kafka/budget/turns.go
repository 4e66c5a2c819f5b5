package budget

import "slices"

// charge is what a partition counts for: what it holds, and what may come.
func (b *Budget) charge(s *Partition) int64 {
	if s.open && s.hungry && !s.idle {
		return s.held + b.claim(s)
	}
	return s.held
}

// claim is what the next fetch may bring. One that is dearer than all there is waits until hardly anything else is held.
func (b *Budget) claim(s *Partition) int64 {
	if !s.fed || s.refused {
		return min(max(s.fetch, unknownFetch), b.limit)
	}
	return min(s.fetch, b.limit)
}

// Count adds up what all partitions hold, and what may come.
func (b *Budget) Count() {
	b.held, b.used = 0, 0
	for _, c := range b.subscriptions {
		for _, s := range c.partitions {
			b.held += s.held
			b.used += b.charge(s)
		}
	}
}

// settle closes what must not fetch, and opens what fits, in order.
func (b *Budget) settle() {
	b.Count()
	b.brake()
	for s := b.next(); s != nil; s = b.next() {
		if !b.fits(s) && !b.makeRoom(s) {
			return
		}
		if b.fits(s) {
			b.openPartition(s)
		}
	}
}

// brake closes partitions that hold nothing when there are too many: an answer that is on its way to them is dropped.
// Those at their end cost nothing until all of them are written to at once.
func (b *Budget) brake() {
	if b.used <= b.limit {
		return
	}
	for _, c := range b.subscriptions {
		for _, s := range c.partitions {
			if s.open && s.records == 0 && (!s.idle || b.held > b.limit) && b.claim(s) > b.limit/negligible {
				b.closePartition(s)
			}
		}
	}
}

func (b *Budget) openPartition(s *Partition) {
	s.open, s.served, s.quiet, s.age, s.subscription.changed = true, false, 0, 0, true
	s.subscription.turn = b.ticket()
	if !s.known && s.probe == nil {
		s.probe = s.subscription
		b.probes++
	}
	b.used += b.charge(s) - s.held
}

func (b *Budget) closePartition(s *Partition) {
	b.used -= b.charge(s) - s.held
	s.open, s.since, s.subscription.changed = false, b.ticket(), true
}

// fits tells whether there is room for a closed partition. One that is at its end costs nothing yet, but there must be
// room for what comes unforeseen.
func (b *Budget) fits(s *Partition) bool {
	room := b.limit - b.limit/8
	if s.idle {
		return b.held <= room
	}
	return b.used+b.claim(s) <= room || b.used <= b.limit/8
}

// mayTry tells whether the cost of a fetch is known, or the partition may find it out.
func (b *Budget) mayTry(s *Partition) bool {
	return s.known || s.probe == s.subscription || s.probe == nil && b.probes < mostProbes
}

// next is the closed partition whose turn it is: of those who wait and have nothing, then of those who have the least
// open, of who has had no turn for longest, the one that has been closed for longest.
func (b *Budget) next() (best *Partition) {
	var rank [4]int64
	for _, c := range b.subscriptions {
		starving, active := c.starving(), c.active()
		for _, s := range c.partitions {
			if s.open || !b.mayTry(s) {
				continue
			}
			now := [4]int64{1, int64(active), c.turn, s.since}
			if starving {
				now[0] = 0
			}
			if best == nil || slices.Compare(now[:], rank[:]) < 0 {
				best, rank = s, now
			}
		}
	}
	return best
}

// active is how many partitions hold something or fetch.
func (c *Subscription) active() (n int) {
	for _, s := range c.partitions {
		if s.records > 0 || s.open && !s.idle {
			n++
		}
	}
	return n
}

// starving tells whether members wait and nothing is there or on its way.
func (c *Subscription) starving() bool { return c.waiting && c.active() == 0 }

// done tells whether a partition has had its turn: what came is taken but for a rest, or nothing comes.
func (s *Partition) done() bool {
	return s.open && !s.idle && s.hungry && (s.served || s.records == 0 && s.quiet >= patienceTicks)
}

// makeRoom closes a partition for one of a subscription that starves; false when that gives no room now.
func (b *Budget) makeRoom(next *Partition) bool {
	if !next.subscription.starving() {
		return false
	}
	if s := b.most((*Partition).done, func(s *Partition) int64 { return int64(s.subscription.active()) }); s != nil {
		b.closePartition(s)
		return true
	}
	b.reclaim(next)
	return false
}

// reclaim closes a partition that holds records: they are fetched again later.
func (b *Budget) reclaim(next *Partition) {
	leaving := int64(0)
	for _, c := range b.subscriptions {
		for _, s := range c.partitions {
			if !s.open {
				leaving += s.held
			}
		}
	}
	if leaving >= b.claim(next) {
		return
	}
	if s := b.most(func(s *Partition) bool { return s.spare() > 0 }, (*Partition).spare); s != nil {
		b.closePartition(s)
	}
}

// spare is how well a partition can be done without, 0 when it cannot: best is one whose records nobody has asked for in a
// while, then one of several of a subscription, then one that has had a long turn.
func (s *Partition) spare() int64 {
	switch {
	case !s.open || s.records == 0:
		return 0
	case s.subscription.rest >= patienceTicks:
		return 2<<50 + s.held
	case s.subscription.active() > 1:
		return 1<<50 + s.held
	case s.age >= turnTicks:
		return int64(s.age)
	}
	return 0
}

// most is the partition with the most of something among those that may be closed.
func (b *Budget) most(may func(*Partition) bool, of func(*Partition) int64) (best *Partition) {
	most := int64(-1)
	for _, c := range b.subscriptions {
		for _, s := range c.partitions {
			if may(s) && of(s) > most {
				best, most = s, of(s)
			}
		}
	}
	return best
}

// takeTurns closes one partition of the subscription that has had its turn while others of it have not.
func (b *Budget) takeTurns(c *Subscription) {
	if !slices.ContainsFunc(c.partitions, func(s *Partition) bool { return !s.open && b.mayTry(s) && !s.idle }) {
		return
	}
	if i := slices.IndexFunc(c.partitions, (*Partition).done); i >= 0 {
		b.closePartition(c.partitions[i])
		b.settle()
	}
}

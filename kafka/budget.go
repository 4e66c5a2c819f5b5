package kafka

import (
	"cmp"
	"slices"
)

// budget shares the memory for what librdkafka has fetched and unpacked among the partitions of all subscriptions.
// librdkafka unpacks whole batches, however large, so the next fetch of a partition is taken to cost what fetches
// of its topic have cost. While all fits, every partition is open. One that does not fit is closed: nothing is
// fetched of it until its turn comes. It is pure: no clock, no lock, no Kafka.
// The zero budget has room for one partition at a time.
type budget struct {
	limit     int64
	held      int64 // by all
	used      int64 // and what the next fetches of open partitions may bring
	prices    map[string]*price
	claimants []*claimant
	tickets   int64
	trials    int // prices that are being found out
}

// price is what a fetch of one partition of a topic costs.
type price struct {
	topic  string
	fetch  int64     // in memory, as it was seen last, 0 while none was seen
	record int64     // average bytes of its records, 0 while no record was seen
	known  bool      // a fetch has come, or there was nothing to fetch
	trial  *claimant // whose first fetch finds it out
	stakes int
}

// claimant is one subscription.
type claimant struct {
	stakes  []*stake
	waiting bool   // members wait for records
	rest    int    // ticks since records were last taken or waited for
	turn    int64  // ticket of when a stake was last opened
	changed bool   // a stake was opened or closed since it looked
	wake    func() // makes it look
}

// stake is one partition's part.
type stake struct {
	*price
	claimant *claimant
	open     bool
	n        int   // records that are held
	held     int64 // their memory
	batches  int64 // bytes of what came last: a batch stays in memory until its last record is taken
	hungry   bool  // so little is held that librdkafka fetches more
	idle     bool  // it was at its end at the last fetch
	behind   bool  // there are records to be fetched
	refused  bool  // an answer that may have been for it was dropped unread, and nothing has come since
	fed      bool  // something has ever come
	served   bool  // something has come since it was opened
	quiet    int   // ticks since something came, or since it was opened
	age      int   // ticks since it was opened
	since    int64
}

const (
	opOverhead    = 350     // memory of a record in librdkafka beyond its bytes, measured
	unknownFetch  = 4 << 20 // what a fetch costs of whose topic nothing is known
	mostTrials    = 8       // topics whose price is found out at a time
	unpackTicks   = 300     // without one where records are known to be: to unpack a gigabyte may take half a minute
	trialTicks    = 20      // without records, then the next may try
	turnTicks     = 50      // a turn, when others starve: what is left of it is fetched again later
	patienceTicks = 10      // a turn in which nothing comes, and a rest after which memory may be reclaimed
	pricesKept    = 4096    // of topics that nobody consumes now
	negligible    = 8192    // partitions whose fetches are such a part of the limit are never closed
)

// enter makes a claimant.
func (b *budget) enter(wake func()) *claimant {
	c := &claimant{wake: wake}
	b.claimants = append(b.claimants, c)
	return c
}

// leave takes a claimant out, with all that it holds.
func (b *budget) leave(c *claimant) {
	for len(c.stakes) > 0 {
		b.remove(c.stakes[0])
	}
	b.claimants = slices.DeleteFunc(b.claimants, func(other *claimant) bool { return other == c })
	b.settle()
}

// admit adds a partition of a topic; it is open if there is room.
func (b *budget) admit(c *claimant, topic string) *stake {
	p := b.prices[topic]
	if p == nil {
		if b.prices == nil {
			b.prices = map[string]*price{}
		}
		p = &price{topic: topic}
		b.prices[topic] = p
	}
	p.stakes++
	s := &stake{price: p, claimant: c, hungry: true, since: b.ticket()}
	c.stakes = append(c.stakes, s)
	b.count()
	if b.mayTry(s) && b.fits(s) && b.next() == s {
		b.openStake(s)
	}
	return s
}

// remove takes a partition out, once.
func (b *budget) remove(s *stake) {
	c, p := s.claimant, s.price
	if !slices.Contains(c.stakes, s) {
		return
	}
	c.stakes = slices.DeleteFunc(c.stakes, func(other *stake) bool { return other == s })
	p.stakes--
	if p.trial == c && !slices.ContainsFunc(c.stakes, func(other *stake) bool { return other.price == p }) {
		b.endTrial(p)
	}
	if p.stakes == 0 && len(b.prices) > pricesKept {
		delete(b.prices, p.topic)
	}
}

func (b *budget) ticket() int64 { b.tickets++; return b.tickets }

// sight is what was seen of a partition.
type sight struct {
	n      int   // records that librdkafka holds
	record int64 // their average bytes, 0 when that is not known
	taken  bool  // some were taken since the last look
	hungry bool
	idle   bool
	behind bool
}

// observe notes what was seen.
func (b *budget) observe(s *stake, now sight) {
	s.record = cmp.Or(now.record, s.record)
	record := cmp.Or(now.record, s.record)
	came := now.n > s.n
	if came {
		s.batches = int64(now.n-s.n) * record
	}
	s.refused = s.refused && !came && !now.taken
	s.n, s.hungry, s.idle, s.behind = now.n, now.hungry, now.idle && !s.refused, now.behind || s.refused
	s.held = 0
	if s.n > 0 {
		s.held = int64(s.n)*opOverhead + max(int64(s.n)*record, s.batches)
	}
	if came || now.taken {
		s.fed, s.served, s.quiet = true, true, 0
	}
	if came {
		s.fetch = max(s.held, s.fetch-s.fetch/8)
		b.learned(s.price)
	}
}

func (b *budget) learned(p *price) {
	p.known = true
	b.endTrial(p)
}

func (b *budget) endTrial(p *price) {
	if p.trial != nil {
		p.trial = nil
		b.trials--
	}
}

// tick lets time pass for a claimant.
func (b *budget) tick(c *claimant) {
	c.rest++
	for _, s := range c.stakes {
		if s.open {
			s.age++
		}
		if s.open && s.n == 0 {
			s.quiet++
			s.refused = s.refused && s.quiet < patienceTicks
		}
		if s.trial == c && b.tried(c, s.price) {
			b.learned(s.price)
		}
	}
}

// tried tells whether nothing is there to be fetched, as far as can be told.
func (b *budget) tried(c *claimant, p *price) bool {
	return !slices.ContainsFunc(c.stakes, func(s *stake) bool {
		patience := trialTicks
		if s.behind {
			patience = unpackTicks
		}
		return s.price == p && s.open && !s.idle && s.quiet < patience
	})
}

// refuse closes what of a claimant holds nothing: an answer to it waits, and there is no room. What it brings is dropped,
// and fetched again when the turn comes.
func (b *budget) refuse(c *claimant) {
	for _, s := range c.stakes {
		if s.open && s.n == 0 {
			b.closeStake(s)
			s.refused, s.idle, s.behind = true, false, true
		}
	}
}

// look decides for all after one claimant has observed its stakes. took tells that records were taken.
func (b *budget) look(c *claimant, waiting, took bool) {
	c.waiting = waiting
	if waiting || took {
		c.rest = 0
	}
	b.settle()
	b.takeTurns(c)
}

// tight tells whether somebody is closed, or soon may be.
func (b *budget) tight() bool {
	return b.used > b.limit/2 || b.trials > 0 || b.closed() > 0
}

// charge is what a stake counts for: what it holds, and what may come.
func (b *budget) charge(s *stake) int64 {
	if s.open && s.hungry && !s.idle {
		return s.held + b.claim(s)
	}
	return s.held
}

// claim is what the next fetch may bring. One that is dearer than all there is waits until hardly anything else is held.
func (b *budget) claim(s *stake) int64 {
	if !s.fed || s.refused {
		return min(max(s.fetch, unknownFetch), b.limit)
	}
	return min(s.fetch, b.limit)
}

func (b *budget) count() {
	b.held, b.used = 0, 0
	for _, c := range b.claimants {
		for _, s := range c.stakes {
			b.held += s.held
			b.used += b.charge(s)
		}
	}
}

// settle closes what must not fetch, and opens what fits, in order.
func (b *budget) settle() {
	b.count()
	b.brake()
	for s := b.next(); s != nil; s = b.next() {
		if !b.fits(s) && !b.makeRoom(s) {
			return
		}
		if b.fits(s) {
			b.openStake(s)
		}
	}
}

// brake closes partitions that hold nothing when there are too many: an answer that is on its way to them is dropped.
// Those at their end cost nothing until all of them are written to at once.
func (b *budget) brake() {
	if b.used <= b.limit {
		return
	}
	for _, c := range b.claimants {
		for _, s := range c.stakes {
			if s.open && s.n == 0 && (!s.idle || b.held > b.limit) && b.claim(s) > b.limit/negligible {
				b.closeStake(s)
			}
		}
	}
}

func (b *budget) openStake(s *stake) {
	s.open, s.served, s.quiet, s.age, s.claimant.changed = true, false, 0, 0, true
	s.claimant.turn = b.ticket()
	if !s.known && s.trial == nil {
		s.trial = s.claimant
		b.trials++
	}
	b.used += b.charge(s) - s.held
}

func (b *budget) closeStake(s *stake) {
	b.used -= b.charge(s) - s.held
	s.open, s.since, s.claimant.changed = false, b.ticket(), true
}

// fits tells whether there is room for a closed stake. One that is at its end costs nothing yet, but there must be
// room for what comes unforeseen.
func (b *budget) fits(s *stake) bool {
	room := b.limit - b.limit/8
	if s.idle {
		return b.held <= room
	}
	return b.used+b.claim(s) <= room || b.used <= b.limit/8
}

// mayTry tells whether the price of a fetch is known, or the stake may find it out.
func (b *budget) mayTry(s *stake) bool {
	return s.known || s.trial == s.claimant || s.trial == nil && b.trials < mostTrials
}

// next is the closed stake whose turn it is: of those who wait and have nothing, then of those who have the least
// open, of who has had no turn for longest, the one that has been closed for longest.
func (b *budget) next() (best *stake) {
	var rank [4]int64
	for _, c := range b.claimants {
		starving, active := c.starving(), c.active()
		for _, s := range c.stakes {
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

// active is how many stakes hold something or fetch.
func (c *claimant) active() (n int) {
	for _, s := range c.stakes {
		if s.n > 0 || s.open && !s.idle {
			n++
		}
	}
	return n
}

// starving tells whether members wait and nothing is there or on its way.
func (c *claimant) starving() bool { return c.waiting && c.active() == 0 }

// done tells whether a stake has had its turn: what came is taken but for a rest, or nothing comes.
func (s *stake) done() bool {
	return s.open && !s.idle && s.hungry && (s.served || s.n == 0 && s.quiet >= patienceTicks)
}

// makeRoom closes a stake for one of a claimant that starves; false when that gives no room now.
func (b *budget) makeRoom(next *stake) bool {
	if !next.claimant.starving() {
		return false
	}
	if s := b.most((*stake).done, func(s *stake) int64 { return int64(s.claimant.active()) }); s != nil {
		b.closeStake(s)
		return true
	}
	b.reclaim(next)
	return false
}

// reclaim closes a stake that holds records: they are fetched again later.
func (b *budget) reclaim(next *stake) {
	leaving := int64(0)
	for _, c := range b.claimants {
		for _, s := range c.stakes {
			if !s.open {
				leaving += s.held
			}
		}
	}
	if leaving >= b.claim(next) {
		return
	}
	if s := b.most(func(s *stake) bool { return s.spare() > 0 }, (*stake).spare); s != nil {
		b.closeStake(s)
	}
}

// spare is how well a stake can be done without, 0 when it cannot: best is one whose records nobody has asked for in a
// while, then one of several of a claimant, then one that has had a long turn.
func (s *stake) spare() int64 {
	switch {
	case !s.open || s.n == 0:
		return 0
	case s.claimant.rest >= patienceTicks:
		return 2<<50 + s.held
	case s.claimant.active() > 1:
		return 1<<50 + s.held
	case s.age >= turnTicks:
		return int64(s.age)
	}
	return 0
}

// most is the stake with the most of something among those that may be closed.
func (b *budget) most(may func(*stake) bool, of func(*stake) int64) (best *stake) {
	most := int64(-1)
	for _, c := range b.claimants {
		for _, s := range c.stakes {
			if may(s) && of(s) > most {
				best, most = s, of(s)
			}
		}
	}
	return best
}

// takeTurns closes one stake of the claimant that has had its turn while others of it have not.
func (b *budget) takeTurns(c *claimant) {
	if !slices.ContainsFunc(c.stakes, func(s *stake) bool { return !s.open && b.mayTry(s) && !s.idle }) {
		return
	}
	if i := slices.IndexFunc(c.stakes, (*stake).done); i >= 0 {
		b.closeStake(c.stakes[i])
		b.settle()
	}
}

// resize changes the limit.
func (b *budget) resize(limit int64) {
	b.limit = limit
	b.settle()
}

// closed is how many partitions wait for their turn.
func (b *budget) closed() (n int) {
	for _, c := range b.claimants {
		for _, s := range c.stakes {
			if !s.open {
				n++
			}
		}
	}
	return n
}

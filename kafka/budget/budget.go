package budget

import (
	"cmp"
	"slices"
)

// Budget shares the memory for what librdkafka has fetched and unpacked among the partitions of all subscriptions.
// librdkafka unpacks whole batches, however large, so the next fetch of a partition is taken to cost what fetches
// of its topic have cost. While all fits, every partition is open. One that does not fit is closed: nothing is
// fetched of it until its turn comes. It is pure: no clock, no lock, no Kafka.
// The zero budget has room for one partition at a time.
type Budget struct {
	limit         int64
	held          int64 // by all
	used          int64 // and what the next fetches of open partitions may bring
	costs         map[string]*cost
	subscriptions []*Subscription
	tickets       int64
	probes        int // costs that are being found out
}

// cost is what a fetch of one partition of a topic costs.
type cost struct {
	topic      string
	fetch      int64         // in memory, as it was seen last, 0 while none was seen
	record     int64         // average bytes of its records, 0 while no record was seen
	known      bool          // a fetch has come, or there was nothing to fetch
	probe      *Subscription // whose first fetch finds it out
	partitions int
}

// Subscription is one subscription.
type Subscription struct {
	partitions []*Partition
	waiting    bool   // members wait for records
	rest       int    // ticks since records were last taken or waited for
	turn       int64  // ticket of when a partition was last opened
	changed    bool   // a partition was opened or closed since it looked
	wake       func() // makes it look
}

// Partition is one partition's part.
type Partition struct {
	*cost
	subscription *Subscription
	open         bool
	records      int   // records that are held
	held         int64 // their memory
	batches      int64 // bytes of what came last: a batch stays in memory until its last record is taken
	hungry       bool  // so little is held that librdkafka fetches more
	idle         bool  // it was at its end at the last fetch
	behind       bool  // there are records to be fetched
	refused      bool  // an answer that may have been for it was dropped unread, and nothing has come since
	fed          bool  // something has ever come
	served       bool  // something has come since it was opened
	quiet        int   // ticks since something came, or since it was opened
	age          int   // ticks since it was opened
	since        int64
}

const (
	opOverhead    = 350     // memory of a record in librdkafka beyond its bytes, measured
	unknownFetch  = 4 << 20 // what a fetch costs of whose topic nothing is known
	mostProbes    = 8       // topics whose cost is found out at a time
	unpackTicks   = 300     // without one where records are known to be: to unpack a gigabyte may take half a minute
	probeTicks    = 20      // without records, then the next may try
	turnTicks     = 50      // a turn, when others starve: what is left of it is fetched again later
	patienceTicks = 10      // a turn in which nothing comes, and a rest after which memory may be reclaimed
	costsKept     = 4096    // of topics that nobody consumes now
	negligible    = 8192    // partitions whose fetches are such a part of the limit are never closed
)

// AddSubscription makes a subscription.
func (b *Budget) AddSubscription(wake func()) *Subscription {
	c := &Subscription{wake: wake}
	b.subscriptions = append(b.subscriptions, c)
	return c
}

// RemoveSubscription takes a subscription out, with all that it holds.
func (b *Budget) RemoveSubscription(c *Subscription) {
	for len(c.partitions) > 0 {
		b.Remove(c.partitions[0])
	}
	b.subscriptions = slices.DeleteFunc(b.subscriptions, func(other *Subscription) bool { return other == c })
	b.settle()
}

// Add adds a partition of a topic; it is open if there is room.
func (b *Budget) Add(c *Subscription, topic string) *Partition {
	p := b.costs[topic]
	if p == nil {
		if b.costs == nil {
			b.costs = map[string]*cost{}
		}
		p = &cost{topic: topic}
		b.costs[topic] = p
	}
	p.partitions++
	s := &Partition{cost: p, subscription: c, hungry: true, since: b.ticket()}
	c.partitions = append(c.partitions, s)
	b.Count()
	if b.mayTry(s) && b.fits(s) && b.next() == s {
		b.openPartition(s)
	}
	return s
}

// Remove takes a partition out, once.
func (b *Budget) Remove(s *Partition) {
	c, p := s.subscription, s.cost
	if !slices.Contains(c.partitions, s) {
		return
	}
	c.partitions = slices.DeleteFunc(c.partitions, func(other *Partition) bool { return other == s })
	p.partitions--
	if p.probe == c && !slices.ContainsFunc(c.partitions, func(other *Partition) bool { return other.cost == p }) {
		b.endProbe(p)
	}
	if p.partitions == 0 && len(b.costs) > costsKept {
		delete(b.costs, p.topic)
	}
}

func (b *Budget) ticket() int64 { b.tickets++; return b.tickets }

// Observation is what was seen of a partition.
type Observation struct {
	Records      int   // records that librdkafka holds
	AverageBytes int64 // their average bytes, 0 when that is not known
	Taken        bool  // some were taken since the last look
	Hungry       bool
	Idle         bool
	Behind       bool
}

// Observe notes what was seen.
func (b *Budget) Observe(s *Partition, now Observation) {
	s.record = cmp.Or(now.AverageBytes, s.record)
	record := cmp.Or(now.AverageBytes, s.record)
	came := now.Records > s.records
	if came {
		s.batches = int64(now.Records-s.records) * record
	}
	s.refused = s.refused && !came && !now.Taken
	s.records, s.hungry, s.idle, s.behind = now.Records, now.Hungry, now.Idle && !s.refused, now.Behind || s.refused
	s.held = 0
	if s.records > 0 {
		s.held = int64(s.records)*opOverhead + max(int64(s.records)*record, s.batches)
	}
	if came || now.Taken {
		s.fed, s.served, s.quiet = true, true, 0
	}
	if came {
		s.fetch = max(s.held, s.fetch-s.fetch/8)
		b.learned(s.cost)
	}
}

func (b *Budget) learned(p *cost) {
	p.known = true
	b.endProbe(p)
}

func (b *Budget) endProbe(p *cost) {
	if p.probe != nil {
		p.probe = nil
		b.probes--
	}
}

// Tick lets time pass for a subscription.
func (b *Budget) Tick(c *Subscription) {
	c.rest++
	for _, s := range c.partitions {
		if s.open {
			s.age++
		}
		if s.open && s.records == 0 {
			s.quiet++
			s.refused = s.refused && s.quiet < patienceTicks
		}
		if s.probe == c && b.tried(c, s.cost) {
			b.learned(s.cost)
		}
	}
}

// tried tells whether nothing is there to be fetched, as far as can be told.
func (b *Budget) tried(c *Subscription, p *cost) bool {
	return !slices.ContainsFunc(c.partitions, func(s *Partition) bool {
		patience := probeTicks
		if s.behind {
			patience = unpackTicks
		}
		return s.cost == p && s.open && !s.idle && s.quiet < patience
	})
}

// Refuse closes what of a subscription holds nothing: an answer to it waits, and there is no room. What it brings is dropped,
// and fetched again when the turn comes.
func (b *Budget) Refuse(c *Subscription) {
	for _, s := range c.partitions {
		if s.open && s.records == 0 {
			b.closePartition(s)
			s.refused, s.idle, s.behind = true, false, true
		}
	}
}

// Decide decides for all after one subscription has observed its partitions. took tells that records were taken.
func (b *Budget) Decide(c *Subscription, waiting, took bool) {
	c.waiting = waiting
	if waiting || took {
		c.rest = 0
	}
	b.settle()
	b.takeTurns(c)
}

// Tight tells whether somebody is closed, or soon may be.
func (b *Budget) Tight() bool {
	return b.used > b.limit/2 || b.probes > 0 || b.Closed() > 0
}

// Resize changes the limit.
func (b *Budget) Resize(limit int64) {
	b.limit = limit
	b.settle()
}

// Closed is how many partitions wait for their turn.
func (b *Budget) Closed() (n int) {
	for _, c := range b.subscriptions {
		for _, s := range c.partitions {
			if !s.open {
				n++
			}
		}
	}
	return n
}

// Held is how many bytes all partitions hold, as of the last count.
func (b *Budget) Held() int64 { return b.held }

// Limit is how many bytes all partitions may hold.
func (b *Budget) Limit() int64 { return b.limit }

// Notify wakes those of whose partitions one was opened or closed since they looked, but not self, who is looking.
func (b *Budget) Notify(self *Subscription) {
	for _, c := range b.subscriptions {
		if c.changed && c != self {
			c.wake() // it never blocks
		}
		c.changed = false
	}
}

// Open tells whether the partition may be fetched.
func (s *Partition) Open() bool { return s.open }

package ledger

import (
	"iter"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Partition is one assigned partition: its ledger and the member that has it.
type Partition struct {
	record.TopicPartition
	ledger  *Ledger
	holder  *Member // the only member that is lent from here while it owes something here
	closing bool    // being revoked: nothing is lent any more
	more    bool    // librdkafka probably holds more records of it
	warned  warning
	gate    *Gate // nil: all may be lent
}

// Gate bounds how many records of a topic are lent. Its partitions share it.
type Gate struct {
	Room int // how many more may be lent now
}

// SetGate bounds what is lent of the partition; nil is no bound.
func (l *Partition) SetGate(g *Gate) { l.gate = g }

// SetBlocks says what waits for records of the partition that an earlier ledger knew as failed, or that are given up.
func (l *Partition) SetBlocks(e Extent) { l.ledger.blocks = e }

// Ledger is the partition's ledger.
func (l *Partition) Ledger() *Ledger { return l.ledger }

// Holder is the member that alone is lent from here, as long as it owes something here; nil for none.
func (l *Partition) Holder() *Member { return l.holder }

// Close says that the partition is being revoked: nothing of it is lent any more.
func (l *Partition) Close() { l.closing = true }

// Closing tells whether the partition is being revoked.
func (l *Partition) Closing() bool { return l.closing }

// SetMore says whether more records wait to be fed.
func (l *Partition) SetMore(more bool) { l.more = more }

// Restart begins the partition's ledger again. What is owed of it is taken back, and can be settled no more.
func (l *Partition) Restart() {
	l.ledger.Abandon()
	blocks := l.ledger.blocks
	l.ledger, l.holder, l.more = newLedger(l.ledger.rules, l.ledger.counts), nil, false
	l.ledger.blocks = blocks
}

// Dispatch decides which member is lent which record of a subscription. In an ordered one, a partition is lent to one member
// at a time, and moves when nothing of it is owed. In the others any member may be lent any record.
// It is pure: no clock, no lock, no Kafka. The zero window lends nothing.
type Dispatch struct {
	rules

	partitions []*Partition
	byName     map[record.TopicPartition]*Partition
	members    map[string]*Member
	waiting    []*Member // in the order in which they began to wait
	turn       int       // where the search for a free partition begins
	present    int       // members with a connection
	ahead      Window    // what a partition holds ahead: it is fed up to that when a quarter is left
	low        bool      // a partition should be fed, since this was last cleared
	deaths     []Death   // since they were asked for
}

// NewDispatch starts without partitions and without members. records and bytes bound what a member may
// leave unsettled, and what a partition may hold in memory.
func NewDispatch(order Order, records, bytes int) *Dispatch {
	return &Dispatch{
		rules: rules{order: order, window: Window{Records: records, Bytes: bytes}}, ahead: Plenty,
		byName: map[record.TopicPartition]*Partition{}, members: map[string]*Member{},
	}
}

// Order is how partitions are shared among members.
func (d *Dispatch) Order() Order { return d.order }

// SetOrder says how partitions are shared from now on. There must be no members.
func (d *Dispatch) SetOrder(order Order) { d.order = order }

// Add opens a partition that was assigned, and counts what happens to its records in lending.
func (d *Dispatch) Add(tp record.TopicPartition, lending *LeaseCounts) {
	l := &Partition{TopicPartition: tp, ledger: newLedger(&d.rules, lending)}
	d.partitions = append(d.partitions, l)
	d.byName[tp] = l
}

// Remove forgets a partition, and with it everything that is owed of it: a settle that comes later
// is stale.
func (d *Dispatch) Remove(tp record.TopicPartition) {
	l := d.byName[tp]
	if l == nil {
		return
	}
	l.ledger.Abandon()
	for _, s := range d.members {
		if s.partition == l {
			s.partition = nil
		}
	}
	delete(d.byName, tp)
	d.partitions = slices.DeleteFunc(d.partitions, func(other *Partition) bool { return other == l })
}

// Lend appends up to limit records, or about so many bytes of them, for the member to out. With nothing
// to lend the member waits, and is woken later. A full window is an error, at once, whether or not there
// are more records.
func (d *Dispatch) Lend(s *Member, now time.Time, limit, bytes int, out []Delivery) ([]Delivery, error) {
	waited := s.waiting
	d.StopWaiting(s)
	start := len(out)
	for alone := true; len(out)-start < limit && bytes > 0 && !d.window.full(s); alone = false {
		delivery, ok := d.lendOne(s, now, alone)
		if !ok {
			break
		}
		out = append(out, delivery)
		bytes -= delivery.Size()
		if delivery.alone {
			break
		}
	}
	if len(out) > start {
		if waited {
			d.Wake(now) // who let partitions drain for it need not any more
		}
		return out, nil
	}
	if d.window.full(s) || d.stuck(s) {
		return out, &WindowError{s.owed, d.window.Records, s.owedBytes, d.window.Bytes}
	}
	d.wait(s)
	return out, nil
}

// fairRun is how many records a member is lent from one partition before others get their turn.
const fairRun = 100

func (d *Dispatch) lendOne(s *Member, now time.Time, alone bool) (Delivery, bool) {
	if l := s.partition; l != nil && (l.holder == s || d.order != Ordered) && s.run < fairRun {
		if e := d.lendable(l, s, now, alone); e != nil {
			s.run++
			return d.lend(l, e, s, now), true
		}
	}
	return d.search(s, now, alone)
}

func (d *Dispatch) lend(l *Partition, e *entry, s *Member, now time.Time) Delivery {
	delivery := l.ledger.lend(e, s, now)
	if l.gate != nil {
		l.gate.Room--
	}
	d.noteLow(l)
	return delivery
}

// search looks through the partitions, beginning where the last search ended: first without taking more
// partitions than an even share, then, since nothing else is there, any.
func (d *Dispatch) search(s *Member, now time.Time, alone bool) (Delivery, bool) {
	share, held := d.share(), d.held(s)
	for _, spare := range [...]bool{false, true} {
		for i := range d.partitions {
			l := d.partitions[(d.turn+i)%len(d.partitions)]
			if (held >= share && !l.heldBy(s)) != spare {
				continue
			}
			if e := d.lendable(l, s, now, alone); e != nil {
				d.turn = (d.turn + i + 1) % len(d.partitions)
				s.partition, s.run = l, 1
				if d.order == Ordered {
					l.holder = s
				}
				return d.lend(l, e, s, now), true
			}
		}
	}
	return Delivery{}, false
}

// heldBy tells whether the member owes something here, so that nobody else may be lent from here.
func (l *Partition) heldBy(s *Member) bool { return l.holder == s && l.ledger.tallies.owed > 0 }

// share is how many partitions are an even share for a present member.
func (d *Dispatch) share() int {
	members := max(d.present, 1)
	return (len(d.partitions) + members - 1) / members
}

// held is how many partitions the member holds.
func (d *Dispatch) held(s *Member) int {
	n := 0
	if s.owed == 0 {
		return n
	}
	for _, l := range d.partitions {
		if l.heldBy(s) {
			n++
		}
	}
	return n
}

// lendable is the partition's first record if the member may be lent it now, else nil: the partition is somebody else's, or
// the member sits on more than its share while somebody waits with less. A suspect is lent only if it is to be alone.
func (d *Dispatch) lendable(l *Partition, s *Member, now time.Time, alone bool) *entry {
	if !l.open() || d.order == Ordered && l.holder != s && l.ledger.tallies.owed > 0 {
		return nil
	}
	first := l.ledger.first(s, now)
	switch {
	case first == nil, first.suspect && !alone:
		return nil
	case first.owner == s: // what is to be lent again to it must still be lent
		return first
	case d.window.brimming(s), d.greedy(l, s):
		return nil
	}
	return first
}

// open tells whether anything of the partition may be lent.
func (l *Partition) open() bool { return !l.closing && (l.gate == nil || l.gate.Room > 0) }

// greedy tells whether the member should let the partition drain: others wait while it holds more than an
// even share.
func (d *Dispatch) greedy(l *Partition, s *Member) bool {
	if len(d.waiting) == 0 || !l.heldBy(s) {
		return false
	}
	return d.rank(l, s) >= d.share()
}

// rank is how many partitions that the member holds come before this one.
func (d *Dispatch) rank(l *Partition, s *Member) int {
	rank := 0
	for _, other := range d.partitions {
		if other == l {
			break
		}
		if other.heldBy(s) {
			rank++
		}
	}
	return rank
}

// Partition returns an assigned partition, nil when it is not assigned.
func (d *Dispatch) Partition(tp record.TopicPartition) *Partition { return d.byName[tp] }

// Partitions are all that are assigned, in the order in which they were.
func (d *Dispatch) Partitions() iter.Seq[*Partition] { return slices.Values(d.partitions) }

// Size is how many partitions are assigned.
func (d *Dispatch) Size() int { return len(d.partitions) }

// Ledger returns the ledger of an assigned partition, nil when it is not assigned.
func (d *Dispatch) Ledger(tp record.TopicPartition) *Ledger {
	if l := d.byName[tp]; l != nil {
		return l.ledger
	}
	return nil
}

// AcceptLeased settles everything in the member's hands, and returns how many records that were.
func (d *Dispatch) AcceptLeased(s *Member) int {
	n := 0
	for _, l := range d.partitions {
		if s.leases == 0 {
			break
		}
		if d.order != Ordered || l.heldBy(s) {
			n += l.ledger.AcceptLeased(s)
		}
	}
	return n
}

// Leased is how many records are in the members' hands.
func (d *Dispatch) Leased() (n int) {
	for _, s := range d.members {
		n += s.leases
	}
	return n
}

// stuck tells whether a partition that the member holds can take no more because of what it owes.
func (d *Dispatch) stuck(s *Member) bool {
	if s.owed == 0 {
		return false
	}
	return slices.ContainsFunc(d.partitions, func(l *Partition) bool {
		t := &l.ledger.tallies
		owing := l.heldBy(s)
		if d.order != Ordered {
			owing = t.owed > 0 && len(l.ledger.lent[s]) == t.owed
		}
		return owing && t.ready+t.waiting+t.dying == 0 && d.window.room(l.ledger) == 0
	})
}

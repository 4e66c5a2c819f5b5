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
}

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
	l.ledger, l.holder, l.more = NewLedger(l.ledger.counts), nil, false
}

// Dispatch decides which member is lent which record of a subscription, in the order of each
// partition: a partition is lent to one member at a time and moves when nothing of it is owed.
// It is pure: no clock, no lock, no Kafka. The zero window lends nothing.
type Dispatch struct {
	window     Window
	partitions []*Partition
	byName     map[record.TopicPartition]*Partition
	members    map[string]*Member
	waiting    []*Member // in the order in which they began to wait
	turn       int       // where the search for a free partition begins
	present    int       // members with a connection
	ahead      Window    // what a partition holds ahead: it is fed up to that when a quarter is left
	low        bool      // a partition should be fed, since this was last cleared
}

// NewDispatch starts without partitions and without members. records and bytes bound what a member may
// leave unsettled, and what a partition may hold in memory.
func NewDispatch(records, bytes int) *Dispatch {
	return &Dispatch{
		window: Window{Records: records, Bytes: bytes}, ahead: Plenty,
		byName: map[record.TopicPartition]*Partition{}, members: map[string]*Member{},
	}
}

// Add opens a partition that was assigned, and counts what happens to its records in lending.
func (d *Dispatch) Add(tp record.TopicPartition, lending *LeaseCounts) {
	l := &Partition{TopicPartition: tp, ledger: NewLedger(lending)}
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
	for len(out)-start < limit && bytes > 0 && !d.window.full(s) {
		delivery, ok := d.lendOne(s, now)
		if !ok {
			break
		}
		out = append(out, delivery)
		bytes -= delivery.Size()
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

func (d *Dispatch) lendOne(s *Member, now time.Time) (Delivery, bool) {
	if l := s.partition; l != nil && l.holder == s && s.run < fairRun && d.mayLend(l, s) {
		if delivery, ok := l.ledger.Lend(s, now); ok {
			s.run++
			d.noteLow(l)
			return delivery, true
		}
	}
	return d.search(s, now)
}

// search looks through the partitions, beginning where the last search ended: first without taking more
// partitions than an even share, then, since nothing else is there, any.
func (d *Dispatch) search(s *Member, now time.Time) (Delivery, bool) {
	share, held := d.share(), d.held(s)
	for _, spare := range [...]bool{false, true} {
		for i := range d.partitions {
			l := d.partitions[(d.turn+i)%len(d.partitions)]
			if !d.mayLend(l, s) || (held >= share && !l.heldBy(s)) != spare {
				continue
			}
			if delivery, ok := l.ledger.Lend(s, now); ok {
				d.turn = (d.turn + i + 1) % len(d.partitions)
				l.holder, s.partition, s.run = s, l, 1
				d.noteLow(l)
				return delivery, true
			}
		}
	}
	return Delivery{}, false
}

// heldBy tells whether the member owes something here, so that nobody else may be lent from here.
func (l *Partition) heldBy(s *Member) bool { return l.holder == s && l.ledger.owed > 0 }

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

// mayLend tells whether the member may be lent from the partition: it is nobody else's, and the member does
// not sit on more than its share while somebody waits with less.
func (d *Dispatch) mayLend(l *Partition, s *Member) bool {
	if l.closing || l.ledger.ready == 0 {
		return false
	}
	if l.holder != s && l.ledger.owed > 0 {
		return false
	}
	if d.window.brimming(s) && l.ledger.first().owner != s {
		return false
	}
	return !d.greedy(l, s)
}

// greedy tells whether the member should let the partition drain: others wait while it holds more than an
// even share. What is to be lent again to it must still be lent.
func (d *Dispatch) greedy(l *Partition, s *Member) bool {
	if len(d.waiting) == 0 || !l.heldBy(s) {
		return false
	}
	if e := l.ledger.first(); e.owner == s {
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
		if l.heldBy(s) {
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

func (d *Dispatch) wait(s *Member) {
	s.waiting, s.called = true, false
	d.waiting = append(d.waiting, s)
}

// StopWaiting ends the member's wait; the call it may have had goes to another.
func (d *Dispatch) StopWaiting(s *Member) {
	if !s.waiting {
		return
	}
	s.waiting = false
	d.waiting = slices.DeleteFunc(d.waiting, func(other *Member) bool { return other == s })
}

// Wake wakes waiting members for what is ready: the holder of a partition, else who has waited longest.
// Every caller that makes records ready, or lets a partition go, calls it.
func (d *Dispatch) Wake(now time.Time) {
	if len(d.waiting) == 0 {
		return
	}
	for _, l := range d.partitions {
		if e := l.ledger.first(); l.closing || e == nil || now.Before(e.at) {
			continue
		}
		if s := d.nextWaiting(l); s != nil && !s.called {
			s.called = true
			s.wake()
		}
	}
}

// nextWaiting is the waiting member that the partition's next record should go to, nil for none.
func (d *Dispatch) nextWaiting(l *Partition) *Member {
	if h := l.holder; h != nil && l.ledger.owed > 0 {
		if h.waiting {
			return h
		}
		return nil
	}
	for _, s := range d.waiting {
		if !s.called {
			return s
		}
	}
	return nil
}

// WakeAll wakes every waiting member: there is something to be told, if nothing to be lent.
func (d *Dispatch) WakeAll() {
	for _, s := range d.waiting {
		s.wake()
	}
}

// Waiting tells whether a member has asked for records and found none.
func (d *Dispatch) Waiting() bool { return len(d.waiting) > 0 }

// Feed sets how much each partition is fed ahead of its members. Until the next call Low tells whether one is low.
func (d *Dispatch) Feed(ahead Window) { d.ahead, d.low = ahead, false }

// Low tells whether a partition should be fed, since the last Feed.
func (d *Dispatch) Low() bool { return d.low }

// stuck tells whether a partition that the member holds can take no more because of what it owes.
func (d *Dispatch) stuck(s *Member) bool {
	if s.owed == 0 {
		return false
	}
	return slices.ContainsFunc(d.partitions, func(l *Partition) bool {
		return l.holder == s && l.ledger.owed > 0 && l.ledger.ready == 0 && d.window.room(l.ledger) == 0
	})
}

// RoomInBytes is how many bytes the partition may be fed, or a little more: one record comes whatever its size.
func (d *Dispatch) RoomInBytes(l *Partition) int {
	return max(1, min(d.ahead.Once-l.ledger.readyBytes, d.window.Bytes-l.ledger.bytes))
}

// noteLow remembers that the partition should be fed: librdkafka holds more of it.
func (d *Dispatch) noteLow(l *Partition) {
	if l.more && l.ledger.ready < d.ahead.Records/4 {
		d.low = true
	}
}

// Wants is how many records the partition should be fed: none while it has enough to lend, in records or
// in bytes, or while what is unsettled fills its window.
func (d *Dispatch) Wants(l *Partition) int {
	if l.closing || l.ledger.ready >= d.ahead.Records/4 || l.ledger.ready > 0 && l.ledger.readyBytes >= d.ahead.Bytes {
		return 0
	}
	return min(d.ahead.Records-l.ledger.ready, d.window.room(l.ledger))
}

package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Member is a member's place in a Dispatch: it outlives the member's connection by the grace.
type Member struct {
	Name string

	present bool      // a connection sits here
	until   time.Time // when absent: the end of the grace
	waiting bool      // its last ask found nothing
	called  bool      // told that there is something, and has not asked since
	wake    func()    // tells the connection to ask again

	windows   int        // how many windows it may fill, 0 for one
	leases    int        // records in its hands
	owed      int        // records that belong to it, those to be lent again included
	owedBytes int        // their size
	partition *Partition // where it was lent something last
	run       int        // how many in a row came from there
}

// Death is a record whose client has ended while it held it.
type Death struct {
	*Partition
	Offset int64
}

// died notes that the member's client has ended without a goodbye.
func (d *Dispatch) died(s *Member, now time.Time) {
	for _, l := range d.partitions {
		if offset, counted := l.ledger.Died(s, now); counted {
			d.deaths = append(d.deaths, Death{l, offset})
		}
	}
}

// Lost notes that a client has ended while it held these records of the member, and gives them to anybody. It returns how many
// the member held.
func (d *Dispatch) Lost(s *Member, held []record.PartitionOffset, now time.Time) (n int) {
	first := map[*Partition]int64{}
	for _, id := range held {
		l := d.byName[id.TopicPartition]
		if l == nil || !l.ledger.inHand(s, id.Offset) {
			continue
		}
		if at, known := first[l]; !known || id.Offset < at {
			first[l] = id.Offset
		}
	}
	for l, offset := range first {
		suspects := l.ledger.countDeath(l.ledger.find(offset), now) > 1
		d.deaths = append(d.deaths, Death{l, offset})
		for _, id := range held {
			if id.TopicPartition == l.TopicPartition && l.ledger.inHand(s, id.Offset) {
				e := l.ledger.find(id.Offset)
				e.suspect = e.suspect || suspects
				l.ledger.forfeit(e)
				n++
			}
		}
	}
	return n
}

// inHand tells whether the member holds a record.
func (l *Ledger) inHand(s *Member, offset int64) bool {
	e := l.find(offset)
	return e != nil && e.owner == s && e.state == leased
}

// Deaths returns the deaths since the last call.
func (d *Dispatch) Deaths() []Death {
	deaths := d.deaths
	d.deaths = nil
	return deaths
}

// Attach gives the named member its member: a new one, or its old one with everything it still owes to
// be lent again from the lowest. wake is called when a member that found nothing may ask again.
func (d *Dispatch) Attach(name string, now time.Time, wake func()) *Member {
	s := d.members[name]
	if s == nil {
		s = &Member{Name: name}
		d.members[name] = s
	}
	d.died(s, now)
	for _, l := range d.partitions {
		l.ledger.Rewind(s)
	}
	if !s.present {
		d.present++
	}
	s.present, s.wake = true, wake
	s.partition = nil // other partitions come first: the client may have ended because of a record of this one
	s.waiting, s.called = false, false
	return s
}

// Detach leaves the member empty, keeping what it owes until the time given.
func (d *Dispatch) Detach(s *Member, now, until time.Time) {
	d.leave(s)
	s.until = until
	d.Wake(now)
}

func (d *Dispatch) leave(s *Member) {
	d.StopWaiting(s)
	if s.present {
		d.present--
	}
	s.present = false
}

// Dismiss takes the member away; what it owed is lent to the others.
func (d *Dispatch) Dismiss(s *Member, now time.Time) {
	if d.members[s.Name] != s {
		return
	}
	d.leave(s)
	delete(d.members, s.Name)
	for _, l := range d.partitions {
		l.ledger.Forfeit(s)
		if l.holder == s {
			l.holder = nil
		}
	}
	s.partition = nil
	d.Wake(now)
}

// Expire dismisses the empty members whose grace is over, or that owe nothing any more.
func (d *Dispatch) Expire(now time.Time) (dismissed []*Member) {
	for _, s := range d.members {
		if !s.present && (s.owed == 0 || !now.Before(s.until)) {
			dismissed = append(dismissed, s)
		}
	}
	for _, s := range dismissed {
		d.died(s, now)
		d.Dismiss(s, now)
	}
	return dismissed
}

// SetWindows lets the member fill so many windows; 0 is one.
func (s *Member) SetWindows(n int) { s.windows = n }

// Owed is how many records belong to the member: those in its hands, and those to be lent to it again.
func (s *Member) Owed() int { return s.owed }

// Leases is how many records are in the member's hands.
func (s *Member) Leases() int { return s.leases }

// Empty tells whether there is no member, neither a connected one nor one that is away.
func (d *Dispatch) Empty() bool { return len(d.members) == 0 }

// Attended tells whether a member is connected.
func (d *Dispatch) Attended() bool { return d.present > 0 }

// MemberStatus is one named client of a subscription.
type MemberStatus struct {
	Name      string
	Connected bool // false: its connection ended, and what it owes is kept for the grace
	Owed      int  // records that it has not settled
	Leases    int  // of these, those that it was lent over its present connection
}

// Members lists the members by name.
func (d *Dispatch) Members() []MemberStatus {
	var members []MemberStatus
	for _, s := range d.members {
		members = append(members, MemberStatus{Name: s.Name, Connected: s.present, Owed: s.owed, Leases: s.leases})
	}
	slices.SortFunc(members, func(a, b MemberStatus) int { return cmp.Compare(a.Name, b.Name) })
	return members
}

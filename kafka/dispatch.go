package kafka

import (
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// lane is one assigned partition: its ledger and the seat that has it.
type lane struct {
	record.TopicPartition
	ledger  *Ledger
	holder  *Seat // the only seat that is lent from here while it owes something here
	closing bool  // being revoked: nothing is lent any more
	more    bool  // librdkafka probably holds more records of it
	warned  warning
}

// Dispatch decides which member is lent which record of a subscription, in the order of each
// partition: a partition is lent to one seat at a time and moves when nothing of it is owed.
// It is pure: no clock, no lock, no Kafka. The zero window lends nothing.
type Dispatch struct {
	window  window
	lanes   []*lane
	byName  map[record.TopicPartition]*lane
	seats   map[string]*Seat
	waiting []*Seat // in the order in which they began to wait
	turn    int     // where the search for a free lane begins
	present int     // seats with a connection
	ahead   window  // what a lane holds ahead: it is fed up to that when a quarter is left
	low     bool    // a lane should be fed, since this was last cleared
}

// NewDispatch starts without partitions and without seats. records and bytes bound what a seat may
// leave unsettled, and what a partition may hold in memory.
func NewDispatch(records, bytes int) *Dispatch {
	return &Dispatch{
		window: window{records: records, bytes: bytes}, ahead: plenty,
		byName: map[record.TopicPartition]*lane{}, seats: map[string]*Seat{},
	}
}

// Add opens a partition that was assigned, and counts what happens to its records in lending.
func (d *Dispatch) Add(tp record.TopicPartition, lending *lending) {
	l := &lane{TopicPartition: tp, ledger: NewLedger(lending)}
	d.lanes = append(d.lanes, l)
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
	for _, s := range d.seats {
		if s.lane == l {
			s.lane = nil
		}
	}
	delete(d.byName, tp)
	d.lanes = slices.DeleteFunc(d.lanes, func(other *lane) bool { return other == l })
}

// Lend appends up to limit records, or about so many bytes of them, for the seat to out. With nothing
// to lend the seat waits, and is woken later. A full window is an error, at once, whether or not there
// are more records.
func (d *Dispatch) Lend(s *Seat, now time.Time, limit, bytes int, out []Delivery) ([]Delivery, error) {
	waited := s.waiting
	d.Unwait(s)
	start := len(out)
	for len(out)-start < limit && bytes > 0 && !d.full(s) {
		delivery, ok := d.lendOne(s, now)
		if !ok {
			break
		}
		out = append(out, delivery)
		bytes -= delivery.Size()
	}
	if len(out) > start {
		if waited {
			d.Call(now) // who let lanes drain for it need not any more
		}
		return out, nil
	}
	if d.full(s) || d.stuck(s) {
		return out, &WindowError{s.owed, d.window.records, s.owedBytes, d.window.bytes}
	}
	d.wait(s)
	return out, nil
}

// fairRun is how many records a seat is lent from one partition before others get their turn.
const fairRun = 100

func (d *Dispatch) lendOne(s *Seat, now time.Time) (Delivery, bool) {
	if l := s.lane; l != nil && l.holder == s && s.run < fairRun && d.mayLend(l, s) {
		if delivery, ok := l.ledger.Lend(s, now); ok {
			s.run++
			d.noteLow(l)
			return delivery, true
		}
	}
	return d.search(s, now)
}

// search looks through the lanes, beginning where the last search ended: first without taking more
// lanes than an even share, then, since nothing else is there, any.
func (d *Dispatch) search(s *Seat, now time.Time) (Delivery, bool) {
	share, held := d.share(), d.held(s)
	for _, spare := range [...]bool{false, true} {
		for i := range d.lanes {
			l := d.lanes[(d.turn+i)%len(d.lanes)]
			if !d.mayLend(l, s) || (held >= share && !l.heldBy(s)) != spare {
				continue
			}
			if delivery, ok := l.ledger.Lend(s, now); ok {
				d.turn = (d.turn + i + 1) % len(d.lanes)
				l.holder, s.lane, s.run = s, l, 1
				d.noteLow(l)
				return delivery, true
			}
		}
	}
	return Delivery{}, false
}

// heldBy tells whether the seat owes something here, so that nobody else may be lent from here.
func (l *lane) heldBy(s *Seat) bool { return l.holder == s && l.ledger.owed > 0 }

// share is how many lanes are an even share for a present seat.
func (d *Dispatch) share() int {
	seats := max(d.present, 1)
	return (len(d.lanes) + seats - 1) / seats
}

// held is how many lanes the seat holds.
func (d *Dispatch) held(s *Seat) int {
	n := 0
	if s.owed == 0 {
		return n
	}
	for _, l := range d.lanes {
		if l.heldBy(s) {
			n++
		}
	}
	return n
}

// mayLend tells whether the seat may be lent from the lane: it is nobody else's, and the seat does
// not sit on more than its share while somebody waits with less.
func (d *Dispatch) mayLend(l *lane, s *Seat) bool {
	if l.closing || l.ledger.ready == 0 {
		return false
	}
	if l.holder != s && l.ledger.owed > 0 {
		return false
	}
	if d.brimming(s) && l.ledger.first().owner != s {
		return false
	}
	return !d.greedy(l, s)
}

// greedy tells whether the seat should let the lane drain: others wait while it holds more than an
// even share. What is to be lent again to it must still be lent.
func (d *Dispatch) greedy(l *lane, s *Seat) bool {
	if len(d.waiting) == 0 || !l.heldBy(s) {
		return false
	}
	if e := l.ledger.first(); e.owner == s {
		return false
	}
	return d.rank(l, s) >= d.share()
}

// rank is how many lanes that the seat holds come before this one.
func (d *Dispatch) rank(l *lane, s *Seat) int {
	rank := 0
	for _, other := range d.lanes {
		if other == l {
			break
		}
		if other.heldBy(s) {
			rank++
		}
	}
	return rank
}

// Lane returns the ledger of an assigned partition, nil when it is not assigned.
func (d *Dispatch) Lane(tp record.TopicPartition) *Ledger {
	if l := d.byName[tp]; l != nil {
		return l.ledger
	}
	return nil
}

// AcceptLeased settles everything in the seat's hands, and returns how many records that were.
func (d *Dispatch) AcceptLeased(s *Seat) int {
	n := 0
	for _, l := range d.lanes {
		if s.leases == 0 {
			break
		}
		if l.heldBy(s) {
			n += l.ledger.AcceptLeased(s)
		}
	}
	return n
}

// leased is how many records are in the seats' hands.
func (d *Dispatch) leased() (n int) {
	for _, s := range d.seats {
		n += s.leases
	}
	return n
}

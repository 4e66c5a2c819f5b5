package kafka

import (
	"fmt"
	"slices"
	"time"
)

// Seat is a member's place in a Dispatch: it outlives the member's connection by the grace.
type Seat struct {
	Name string

	present bool      // a connection sits here
	until   time.Time // when absent: the end of the grace
	waiting bool      // its last ask found nothing
	called  bool      // told that there is something, and has not asked since
	wake    func()    // tells the connection to ask again

	leases    int   // records in its hands
	owed      int   // records that belong to it, those to be lent again included
	owedBytes int   // their size
	lane      *lane // where it was lent something last
	run       int   // how many in a row came from there
}

// lane is one assigned partition: its ledger and the seat that has it.
type lane struct {
	TopicPartition
	ledger  *Ledger
	holder  *Seat // the only seat that is lent from here while it owes something here
	closing bool  // being revoked: nothing is lent any more
	more    bool  // librdkafka probably holds more records of it
}

// A lane is fed up to highWater records when it has fewer than lowWater left to lend.
const (
	lowWater  = 256
	highWater = 1024
)

// window bounds what one seat may owe and what one partition may span.
type window struct {
	records int
	bytes   int
}

// WindowError tells a member that it must settle before it is lent more.
type WindowError struct {
	Records, MaxRecords int
	Bytes, MaxBytes     int
}

func (e *WindowError) Error() string {
	return fmt.Sprintf("%d records (%d bytes) are not acknowledged and the window is %d records or %d bytes: "+
		"acknowledge with RPUSH acks <topic>:<partition>:<offset>, or ask for automatic acknowledgement with {\"sluice.ack\":\"auto\"}",
		e.Records, e.Bytes, e.MaxRecords, e.MaxBytes)
}

// Dispatch decides which member is lent which record of a subscription, in the order of each
// partition: a partition is lent to one seat at a time and moves when nothing of it is owed.
// It is pure: no clock, no lock, no Kafka. The zero window lends nothing.
type Dispatch struct {
	window  window
	lanes   []*lane
	byName  map[TopicPartition]*lane
	seats   map[string]*Seat
	waiting []*Seat // in the order in which they began to wait
	turn    int     // where the search for a free lane begins
	present int     // seats with a connection
	low     bool    // a lane fell below lowWater since this was last cleared
}

// NewDispatch starts without partitions and without seats. records and bytes bound what a seat may
// leave unsettled, and what a partition may hold in memory.
func NewDispatch(records, bytes int) *Dispatch {
	return &Dispatch{
		window: window{records: records, bytes: bytes},
		byName: map[TopicPartition]*lane{}, seats: map[string]*Seat{},
	}
}

// Add opens a partition that was assigned.
func (d *Dispatch) Add(tp TopicPartition) {
	l := &lane{TopicPartition: tp, ledger: NewLedger()}
	d.lanes = append(d.lanes, l)
	d.byName[tp] = l
}

// Remove forgets a partition, and with it everything that is owed of it: a settle that comes later
// is stale.
func (d *Dispatch) Remove(tp TopicPartition) {
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

// Sit gives the named member its seat: a new one, or its old one with everything it still owes to
// be lent again from the lowest. wake is called when a member that found nothing may ask again.
func (d *Dispatch) Sit(name string, wake func()) *Seat {
	s := d.seats[name]
	if s == nil {
		s = &Seat{Name: name}
		d.seats[name] = s
	}
	for _, l := range d.lanes {
		l.ledger.Rewind(s)
	}
	if !s.present {
		d.present++
	}
	s.present, s.wake = true, wake
	s.waiting, s.called = false, false
	return s
}

// Stand leaves the seat empty, keeping what it owes until the time given.
func (d *Dispatch) Stand(s *Seat, now, until time.Time) {
	d.leave(s)
	s.until = until
	d.Call(now)
}

func (d *Dispatch) leave(s *Seat) {
	d.Unwait(s)
	if s.present {
		d.present--
	}
	s.present = false
}

// Dismiss takes the seat away; what it owed is lent to the others.
func (d *Dispatch) Dismiss(s *Seat, now time.Time) {
	if d.seats[s.Name] != s {
		return
	}
	d.leave(s)
	delete(d.seats, s.Name)
	for _, l := range d.lanes {
		l.ledger.Forfeit(s)
		if l.holder == s {
			l.holder = nil
		}
	}
	s.lane = nil
	d.Call(now)
}

// Expire dismisses the seats whose grace is over, and says when the next one's will be.
func (d *Dispatch) Expire(now time.Time) (dismissed []*Seat) {
	for _, s := range d.seats {
		if !s.present && !now.Before(s.until) {
			dismissed = append(dismissed, s)
		}
	}
	for _, s := range dismissed {
		d.Dismiss(s, now)
	}
	return dismissed
}

// Lend appends up to limit records, or about so many bytes of them, for the seat to out. With nothing to lend the seat waits, and is
// woken later. A full window is an error, at once, whether or not there are more records.
func (d *Dispatch) Lend(s *Seat, now time.Time, limit, bytes int, out []Delivery) ([]Delivery, error) {
	d.Unwait(s)
	start := len(out)
	for len(out)-start < limit && bytes > 0 && !d.full(s) {
		delivery, ok := d.lendOne(s, now)
		if !ok {
			break
		}
		out = append(out, delivery)
		bytes -= delivery.size()
	}
	if len(out) > start {
		return out, nil
	}
	if d.full(s) || d.stuck(s) {
		return out, &WindowError{s.owed, d.window.records, s.owedBytes, d.window.bytes}
	}
	d.wait(s)
	return out, nil
}

// full tells whether the seat's leases fill the window. Records to be lent again do not count: they
// are owed already.
func (d *Dispatch) full(s *Seat) bool {
	return s.leases >= d.window.records || (s.leases > 0 && s.owedBytes >= d.window.bytes && s.leases == s.owed)
}

// stuck tells whether a partition that the seat holds can take no more because of what it owes.
func (d *Dispatch) stuck(s *Seat) bool {
	if s.owed == 0 {
		return false
	}
	return slices.ContainsFunc(d.lanes, func(l *lane) bool {
		return l.holder == s && l.ledger.owed > 0 && l.ledger.ready == 0 && d.room(l) == 0
	})
}

// room is how many more records the lane may take.
func (d *Dispatch) room(l *lane) int {
	if l.ledger.bytes >= d.window.bytes && l.ledger.Span() > 0 {
		return 0
	}
	return max(0, d.window.records-l.ledger.Span())
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

// noteLow remembers that the lane should be fed: librdkafka holds more of it.
func (d *Dispatch) noteLow(l *lane) {
	if l.more && l.ledger.ready < lowWater {
		d.low = true
	}
}

func (d *Dispatch) wait(s *Seat) {
	s.waiting, s.called = true, false
	d.waiting = append(d.waiting, s)
}

// Unwait ends the seat's wait; the call it may have had goes to another.
func (d *Dispatch) Unwait(s *Seat) {
	if !s.waiting {
		return
	}
	s.waiting = false
	d.waiting = slices.DeleteFunc(d.waiting, func(other *Seat) bool { return other == s })
}

// Call wakes waiting seats for what is ready: the holder of a lane, else who has waited longest.
// Every caller that makes records ready, or lets a lane go, calls it.
func (d *Dispatch) Call(now time.Time) {
	if len(d.waiting) == 0 {
		return
	}
	for _, l := range d.lanes {
		if e := l.ledger.first(); l.closing || e == nil || now.Before(e.due) {
			continue
		}
		if s := d.callee(l); s != nil && !s.called {
			s.called = true
			s.wake()
		}
	}
}

// callee is the waiting seat that the lane's next record should go to, nil for none.
func (d *Dispatch) callee(l *lane) *Seat {
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

// Lane returns the ledger of an assigned partition, nil when it is not assigned.
func (d *Dispatch) Lane(tp TopicPartition) *Ledger {
	if l := d.byName[tp]; l != nil {
		return l.ledger
	}
	return nil
}

// Wants is how many records the lane should be fed: none while it has enough to lend, in records or
// in bytes, or while what is unsettled fills its window.
func (d *Dispatch) Wants(l *lane, bytes int) int {
	if l.closing || l.ledger.ready >= lowWater || l.ledger.ready > 0 && l.ledger.readyBytes >= bytes {
		return 0
	}
	return min(highWater-l.ledger.ready, d.room(l))
}

// AcceptLeased settles everything in the seat's hands, and returns how many records that were.
func (d *Dispatch) AcceptLeased(s *Seat) int {
	n := 0
	for _, l := range d.lanes {
		if s.leases == 0 {
			break
		}
		n += l.ledger.AcceptLeased(s)
	}
	return n
}

// WakeAll wakes every waiting seat: there is something to be told, if nothing to be lent.
func (d *Dispatch) WakeAll() {
	for _, s := range d.waiting {
		s.wake()
	}
}

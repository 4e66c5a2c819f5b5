package producer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// tally counts one topic's records of one profile. Sessions write the first line, the goroutine that
// reads the profile's reports the second: neither waits for the other's cache line.
type tally struct {
	accepted, bytes atomic.Int64
	_               [48]byte
	ended           [4]atomic.Int64 // by Outcome
	_               [32]byte
}

// take counts a record that librdkafka took.
func (t *tally) take(bytes int) {
	t.accepted.Add(1)
	t.bytes.Add(int64(bytes))
}

func (t *tally) end(o record.Outcome, n int64) { t.ended[o].Add(n) }

// read takes a reading that adds up. Records are counted when librdkafka has taken them, and a report may
// be faster: what has ended was accepted, and neither figure ever goes back.
func (t *tally) read() ProducedRow {
	var r ProducedRow
	ended := int64(0)
	for i := range r.Ended {
		r.Ended[i] = t.ended[i].Load()
		ended += r.Ended[i]
	}
	r.Accepted, r.Bytes = max(ended, t.accepted.Load()), t.bytes.Load()
	return r
}

// row counts one topic's records, a tally by profile.
type row struct {
	topic   string
	tallies []tally
}

func (r *row) read() ProducedRow {
	all := ProducedRow{Topic: r.topic}
	for i := range r.tallies {
		all.add(r.tallies[i].read())
	}
	return all
}

func (r *ProducedRow) add(o ProducedRow) {
	r.Accepted += o.Accepted
	r.Bytes += o.Bytes
	for i := range r.Ended {
		r.Ended[i] += o.Ended[i]
	}
}

// accounts are where a topic's records are counted: its row, which it may share with others, and what it has under
// way, by profile.
type accounts struct {
	row    *row
	shares []load
}

// producedBooks count every record that any session produced, by its topic and its end.
type producedBooks struct {
	profiles int
	others   *row // of the topics without a row of their own

	mu   sync.Mutex          // guards what follows
	rows map[string]accounts // of every topic that was ever produced to, the others' included
	own  int                 // topics with a row of their own

	unknownEvents atomic.Int64
	stopped       atomic.Bool
	before        atomic.Int64 // records that had failed when the client began to stop
}

func newProducedBooks(profiles int) producedBooks {
	return producedBooks{profiles: profiles, others: &row{tallies: make([]tally, profiles)}, rows: map[string]accounts{}}
}

// admit returns the row of a topic that the brokers know: its own while there are fewer than limit. The
// topic keeps it, so that no record is counted in one row and ends in another.
func (b *producedBooks) admit(topic string, limit int) accounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.rows[topic]
	if a.row != nil {
		return a
	}
	a = accounts{row: b.others, shares: make([]load, b.profiles)}
	if b.own < limit {
		a.row = &row{topic: topic, tallies: make([]tally, b.profiles)}
		b.own++
	}
	b.rows[topic] = a
	return a
}

// of are the accounts of a topic of which records were produced.
func (b *producedBooks) of(topic string) accounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, known := b.rows[topic]; known {
		return a
	}
	return accounts{row: b.others, shares: make([]load, b.profiles)}
}

// all lists the rows, the others' last.
func (b *producedBooks) all() []*row {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*row, 0, b.own+1)
	for _, a := range b.rows {
		if a.row != b.others {
			list = append(list, a.row)
		}
	}
	return append(list, b.others)
}

// sum adds all rows.
func (b *producedBooks) sum() ProducedRow {
	var all ProducedRow
	for _, r := range b.all() {
		all.add(r.read())
	}
	return all
}

// inFlight is how many records of a profile have no outcome yet, those at the gate aside.
func (b *producedBooks) inFlight(profile int) (n int64) {
	for _, r := range b.all() {
		reading := r.tallies[profile].read()
		n += reading.Pending()
	}
	return n
}

func (b *producedBooks) stop() {
	if b.stopped.CompareAndSwap(false, true) {
		all := b.sum()
		b.before.Store(all.failed())
	}
}

func (r *ProducedRow) failed() int64 {
	return r.Ended[record.Rejected] + r.Ended[record.Retry] + r.Ended[record.Unknown]
}

// undelivered is how many records have failed since stop, or are still without an end.
func (b *producedBooks) undelivered() int64 {
	all := b.sum()
	return all.Accepted - all.Ended[record.OK] - b.before.Load()
}

// Produced reads the books of what was produced, a row by topic, in order.
func (ps *Producers) Produced() []ProducedRow {
	var rows []ProducedRow
	for _, r := range ps.produced.all() {
		rows = append(rows, r.read())
	}
	slices.SortFunc(rows, func(a, b ProducedRow) int { return cmp.Compare(a.Topic, b.Topic) })
	return rows
}

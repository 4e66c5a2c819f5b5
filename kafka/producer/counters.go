package producer

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// profileCounters count one topic's records of one profile. Sessions write the first cache line. The goroutine that reads
// the profile's reports writes the second. So neither waits for the other's cache line.
type profileCounters struct {
	accepted, bytes atomic.Int64
	_               [48]byte
	ended           [4]atomic.Int64 // by Outcome
	_               [32]byte
}

// accept counts a record that librdkafka took, or that sluice holds for librdkafka.
func (c *profileCounters) accept(bytes int) {
	c.accepted.Add(1)
	c.bytes.Add(int64(bytes))
}

// end counts outcomes of n records.
func (c *profileCounters) end(o record.Outcome, n int64) { c.ended[o].Add(n) }

// read returns counts whose sums hold. A record is counted after librdkafka took the record, and its report may be
// faster. So at least as many records were accepted as have ended. No count ever goes back.
func (c *profileCounters) read() TopicCounts {
	var r TopicCounts
	ended := int64(0)
	for i := range r.Ended {
		r.Ended[i] = c.ended[i].Load()
		ended += r.Ended[i]
	}
	r.Accepted, r.Bytes = max(ended, c.accepted.Load()), c.bytes.Load()
	return r
}

// counterRow counts the records of one topic, or of several that share the row.
type counterRow struct {
	topic    string
	profiles []profileCounters // by the index of the profile
}

func (r *counterRow) read() TopicCounts {
	all := TopicCounts{Topic: r.topic}
	for i := range r.profiles {
		all.add(r.profiles[i].read())
	}
	return all
}

func (r *TopicCounts) add(o TopicCounts) {
	r.Accepted += o.Accepted
	r.Bytes += o.Bytes
	for i := range r.Ended {
		r.Ended[i] += o.Ended[i]
	}
}

// topicCounters are where the records of one topic are counted.
type topicCounters struct {
	row      *counterRow // a topic may share it with others
	underway []load      // by the index of the profile
}

// counterTable counts every record that any session produced, by topic and outcome.
type counterTable struct {
	profiles int
	others   *counterRow // of the topics without a row of their own

	mu   sync.Mutex               // guards what follows
	rows map[string]topicCounters // of every topic that was ever produced to, the others' included
	own  int                      // topics with a row of their own

	unknownEvents atomic.Int64 // reports that belonged to no session
	stopped       atomic.Bool
	before        atomic.Int64 // records that had failed when the client began to stop
}

func newCounterTable(profiles int) counterTable {
	return counterTable{profiles: profiles, others: &counterRow{profiles: make([]profileCounters, profiles)}, rows: map[string]topicCounters{}}
}

// admit returns the counters of a topic that the brokers know. The topic has a row of its own while fewer than limit
// topics have one. A topic keeps its row, so that no record is accepted in one row and ends in another.
func (t *counterTable) admit(topic string, limit int) topicCounters {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.rows[topic]
	if a.row != nil {
		return a
	}
	a = topicCounters{row: t.others, underway: make([]load, t.profiles)}
	if t.own < limit {
		a.row = &counterRow{topic: topic, profiles: make([]profileCounters, t.profiles)}
		t.own++
	}
	t.rows[topic] = a
	return a
}

// of returns the counters of a topic whose records were produced.
func (t *counterTable) of(topic string) topicCounters {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a, known := t.rows[topic]; known {
		return a
	}
	return topicCounters{row: t.others, underway: make([]load, t.profiles)}
}

// all lists the rows, last the row that the other topics share.
func (t *counterTable) all() []*counterRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*counterRow, 0, t.own+1)
	for _, a := range t.rows {
		if a.row != t.others {
			list = append(list, a.row)
		}
	}
	return append(list, t.others)
}

// sum adds all rows.
func (t *counterTable) sum() TopicCounts {
	var all TopicCounts
	for _, r := range t.all() {
		all.add(r.read())
	}
	return all
}

// inFlight is how many records of a profile have no outcome yet. Records at the gate do not count.
func (t *counterTable) inFlight(profile int) (n int64) {
	for _, r := range t.all() {
		reading := r.profiles[profile].read()
		n += reading.Pending()
	}
	return n
}

// stop remembers how many records have failed so far.
func (t *counterTable) stop() {
	if t.stopped.CompareAndSwap(false, true) {
		all := t.sum()
		t.before.Store(all.failed())
	}
}

func (r *TopicCounts) failed() int64 {
	return r.Ended[record.Rejected] + r.Ended[record.Retry] + r.Ended[record.Unknown]
}

// undelivered is how many records have failed since stop, or still have no outcome.
func (t *counterTable) undelivered() int64 {
	all := t.sum()
	return all.Accepted - all.Ended[record.OK] - t.before.Load()
}

// Produced lists what was produced, in the order of the topics.
func (ps *Producers) Produced() []TopicCounts {
	var rows []TopicCounts
	for _, r := range ps.counters.all() {
		rows = append(rows, r.read())
	}
	slices.SortFunc(rows, func(a, b TopicCounts) int { return cmp.Compare(a.Topic, b.Topic) })
	return rows
}

package main

import (
	"maps"
	"slices"
)

// The rules of consuming.
const (
	ruleNeverCame    = "a record was never handed out"
	ruleNotAgain     = "a record was handed out, not acknowledged, and did not come again"
	ruleAckedAgain   = "an acknowledged record came again"
	ruleBackwards    = "offsets of a partition went backwards on one connection"
	ruleFirstOrder   = "a record was first handed out after a later one of its partition"
	ruleContent      = "a record was handed out with another content than it has in the topic"
	ruleSkipped      = "records were skipped, and sluice counts another number of them"
	ruleUnknownPlace = "a record was handed out that the topic does not have"
)

// handed is what became of one record of a topic.
type handed struct {
	at       place
	gone     bool // with its log: nobody has to be handed it
	value    string
	times    int
	maybe    int   // acknowledgements of it that were sent and never answered
	gotAt    int64 // when it was handed out last
	ackedAt  int64 // when the last acknowledgement was answered
	accepted bool
}

// connection is one connection of one client.
type connection struct {
	client string
	number int
}

// line is one partition as seen on one connection.
type line struct {
	last int64     // offset handed out last
	held []*handed // handed out, and no acknowledgement sent
}

// lane is a partition.
type lane struct {
	topic     string
	partition int32
}

func (p place) lane() lane { return lane{p.Topic, p.Partition} }

// consumption is the state of judging the consume side.
type consumption struct {
	*history
	verdict  *verdict
	row      row
	records  map[place]*handed
	gone     map[place]*handed
	lines    map[connection]map[lane]*line
	under    map[connection]map[place][]*handed // acknowledgements under way: what they cover
	furthest map[lane]int64                     // highest offset handed out
	answered []int64
}

func newConsumption(h *history, v *verdict) *consumption {
	c := &consumption{
		history: h, verdict: v, row: row{Path: path(h, "BLPOP", "take")},
		records:  map[place]*handed{},
		gone:     map[place]*handed{},
		lines:    map[connection]map[lane]*line{},
		under:    map[connection]map[place][]*handed{},
		furthest: map[lane]int64{},
	}
	for _, r := range slices.Concat(h.Log, h.Deleted) {
		c.records[r.place] = &handed{at: r.place, value: r.Value}
	}
	for _, r := range h.Gone {
		c.gone[r.place] = &handed{at: r.place, value: r.Value, gone: true}
	}
	return c
}

func (c *consumption) judge() {
	for i := range c.Events {
		e := &c.Events[i]
		switch e.Kind {
		case got:
			c.got(e)
		case acking:
			c.acking(e)
		case ackingOne:
			c.ackingOne(e)
		case acked, stale:
			c.answer(e)
		case sent, okay, refused, failing, failed, unheld, died, trouble: // not about who has accepted what
		}
	}
	for _, r := range c.Log {
		c.end(r)
	}
	c.skipped()
	c.row.Stall = longestGap(c.Load, c.answered)
	if c.row.Operations > 0 {
		c.verdict.Rows = append(c.verdict.Rows, c.row)
	}
}

func (c *consumption) line(e *event) *line {
	at := connection{e.Client, e.Conn}
	if c.lines[at] == nil {
		c.lines[at] = map[lane]*line{}
		c.under[at] = map[place][]*handed{}
	}
	l := c.lines[at][e.At.lane()]
	if l == nil {
		l = &line{last: -1}
		c.lines[at][e.At.lane()] = l
	}
	return l
}

// got judges that a record was handed out.
func (c *consumption) got(e *event) {
	c.row.Operations++
	r := c.find(e)
	if r == nil {
		c.verdict.breach(ruleUnknownPlace, "%s to %s", e.At, e.Client)
		return
	}
	l := c.line(e)
	l.held = append(l.held, r)
	if r.gone {
		return
	}
	if r.value != e.Value {
		c.verdict.breach(ruleContent, "%s: %q, not %q", e.At, e.Value, r.value)
	}
	if !c.Web && !c.Reset {
		c.order(e, r)
	}
	c.repetition(e, r)
	r.times++
	r.gotAt = e.Time
	l.last = e.At.Offset
}

// find is the record that was handed out. The log that is gone may have had another at the same place.
func (c *consumption) find(e *event) *handed {
	r, gone := c.records[e.At], c.gone[e.At]
	if gone != nil && gone.value == e.Value && (r == nil || r.value != e.Value) {
		return gone
	}
	return r
}

// order judges the place of a delivery among the others: on its connection every one is further
// than the one before, and over the whole group every first one is.
func (c *consumption) order(e *event, r *handed) {
	wrong := false
	if last := c.line(e).last; e.At.Offset <= last {
		wrong = true
		c.verdict.breach(ruleBackwards, "%s after %d to %s, connection %d", e.At, last, e.Client, e.Conn)
	}
	furthest, known := c.furthest[e.At.lane()]
	if known && r.times == 0 && e.At.Offset < furthest {
		wrong = true
		c.verdict.breach(ruleFirstOrder, "%s after %d to %s", e.At, furthest, e.Client)
	}
	if wrong {
		c.row.Disordered++
	}
	c.furthest[e.At.lane()] = max(furthest, e.At.Offset)
}

// repetition judges a delivery of a record that was delivered before.
func (c *consumption) repetition(e *event, r *handed) {
	switch {
	case r.accepted:
		c.row.Duplicated++
		if !c.forgiven(r, e.Time) {
			c.verdict.breach(ruleAckedAgain, "%s to %s, %d ms after the answer to its acknowledgement",
				e.At, e.Client, (e.Time-r.ackedAt)/1e6)
		}
	case r.times > 0:
		c.row.Again++
	}
}

// forgiven tells whether sluice may have forgotten the acknowledgement of a record by the time given: also of one beyond a
// gap it may be no older than a commit. While a log is
// replaced the lease may end that is acknowledged: it counts when it began, however late it is acknowledged.
func (c *consumption) forgiven(r *handed, now int64) bool {
	killed := slices.ContainsFunc(c.Forgiven, func(s span) bool { return now > s.To && s.has(r.ackedAt) })
	return killed || slices.ContainsFunc(c.Outages, func(s span) bool {
		late := span{s.From - int64(commitBound), s.To + int64(commitBound)}
		return now > s.From && (late.has(r.ackedAt) || late.has(r.gotAt))
	})
}

// acking notes that an acknowledgement of everything up to a place is sent: it covers what the
// connection was handed of that partition.
func (c *consumption) acking(e *event) {
	l := c.line(e)
	var covered, kept []*handed
	for _, r := range l.held {
		if r.at.Offset > e.At.Offset {
			kept = append(kept, r)
			continue
		}
		r.maybe++
		covered = append(covered, r)
	}
	l.held = kept
	c.under[connection{e.Client, e.Conn}][e.At] = covered
}

// ackingOne notes that an acknowledgement of one record is sent. A lease of the log that is gone is of no
// matter, and is told by its record that was handed out last at that place.
func (c *consumption) ackingOne(e *event) {
	r := c.records[e.At]
	if g := c.gone[e.At]; g != nil && (r == nil || r.times == 0) {
		r = g
	}
	if r != nil {
		c.line(e)
		r.maybe++
		c.under[connection{e.Client, e.Conn}][e.At] = []*handed{r}
	}
}

// answer notes how an acknowledgement was answered.
func (c *consumption) answer(e *event) {
	under := c.under[connection{e.Client, e.Conn}]
	covered, sent := under[e.At]
	if !sent {
		c.verdict.breach(ruleNotStarted, "%s %s", e.Client, e.At)
		return
	}
	delete(under, e.At)
	for _, r := range covered {
		r.maybe--
		if e.Kind == acked {
			r.accepted, r.ackedAt = true, e.Time
		}
	}
	if e.Kind == acked {
		c.answered = append(c.answered, e.Time)
	}
}

// end judges what became of a record in the end.
func (c *consumption) end(r stored) {
	switch h := c.records[r.place]; {
	case h.accepted:
		c.row.OK++
	case h.maybe > 0:
		c.row.Unknown++
	case h.times == 0:
		c.row.Lost++
		c.verdict.breach(ruleNeverCame, "%s", r.place)
	default:
		c.row.Lost++
		c.verdict.breach(ruleNotAgain, "%s", r.place)
	}
}

// skipped judges what sluice says it skipped: what was deleted before anybody was handed it.
func (c *consumption) skipped() {
	c.row.Skipped = c.Counted.Skipped
	truth := 0
	for _, r := range c.Deleted {
		if c.records[r.place].times == 0 {
			truth++
		}
	}
	if c.Counted.Skipped != truth && len(c.Gone) == 0 {
		c.verdict.breach(ruleSkipped, "%d counted, %d deleted and never handed out", c.Counted.Skipped, truth)
	}
}

// unsettled is how many records of the topics nobody has acknowledged yet, or tried to.
func unsettled(h *history) int {
	v := &verdict{}
	c := newConsumption(h, v)
	c.judge()
	return c.row.Lost
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

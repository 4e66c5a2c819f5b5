package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// The rules of records that fail.
const (
	ruleKeyOrder     = "a record was handed out before an earlier one of its key was accepted or dead"
	ruleAttempt      = "a record was handed out with another number of attempts than have failed"
	ruleNoLetter     = "a record was given up, and there is no dead letter of it"
	ruleLetterTwice  = "a record has two dead letters, and nothing went wrong then"
	ruleWrongLetter  = "a dead letter is not as its record and what was said of it"
	ruleLetterUseful = "a record that succeeds in time has a dead letter"
)

// failureBound is how old a failure may be that was answered and that a kill -9 forgets: its commit begins within 20 ms, and takes
// a while; the rest is for a machine that is busy.
const failureBound = 150*time.Millisecond + 350*time.Millisecond

// letter is a dead letter, as the dead-letter topic has it.
type letter struct {
	Of       place  `json:"of"`
	Time     int64  `json:"time"` // when sluice sent it
	Key      string `json:"key"`
	Value    string `json:"value"`
	Reason   string `json:"reason"`
	Class    string `json:"class"`
	Attempts int    `json:"attempts"`
}

// given are what is known of a trial with records that fail. A history without them has none.
type given struct {
	Letters []letter
	// Stirred are the times in which sluices were killed or came, or brokers stood still: a worker's death may not be noticed,
	// leases end, and what is under way may be done twice.
	Stirred []span
}

// failure is one of a record, or a death.
type failure struct {
	at   int64
	sure bool // it was answered: it is forgotten only if sluice was killed just then
	dead bool // a worker died, or a lease ended: sluice notices it only if nothing else ends the lease
}

// attempts is what is known of one record.
type attempts struct {
	at       place
	script   script
	times    int
	lentAt   int64 // when it was handed out last; 0: that is over
	done     int64 // when it was about to be accepted or rejected, or dead; 0: not yet
	rejected bool
	accepted bool
	failures []failure
	letters  []letter
}

// failureJudge is the state of judging records that fail.
type failureJudge struct {
	*history
	verdict *verdict
	records map[place]*attempts
	keys    map[string][]*attempts // by key, in the order in which they were written
	first   map[string]int         // of a key's records, the first that is not done
	held    map[connection]map[place]*attempts
	letters []letter // by time
	dead    int      // how many of them were there by now
	judged  int      // how many of them were looked at: a little later
	tally   failureTally
}

// undertaker has, in the history, accepted the records of which there are dead letters.
const undertaker = "dead letters"

// failureTally is what is said of a trial for people.
type failureTally struct {
	looked, unsure, failures, deaths, dead, doubled int
}

func judgeFailing(h *history, v *verdict) {
	if h.Given == nil {
		return
	}
	j := &failureJudge{
		history: h, verdict: v, records: map[place]*attempts{}, keys: map[string][]*attempts{}, first: map[string]int{},
		held: map[connection]map[place]*attempts{}, letters: slices.Clone(h.Given.Letters),
	}
	slices.SortStableFunc(j.letters, func(a, b letter) int { return int(a.Time - b.Time) })
	for _, r := range h.Log {
		s, err := parseScript(r.Value)
		if err != nil || s.key != r.Key {
			v.breach(ruleContent, "%s in the topic: %q", r.place, r.Value)
			continue
		}
		a := &attempts{at: r.place, script: s}
		j.records[r.place] = a
		j.keys[s.key] = append(j.keys[s.key], a)
	}
	for i := range h.Events {
		e := &h.Events[i]
		j.bury(e.Time)
		if a := j.records[e.At]; a != nil && e.Client != undertaker {
			j.event(e, a)
		}
	}
	j.bury(math.MaxInt64)
	for _, a := range j.records {
		j.end(a)
	}
	t := j.tally
	v.Notes = append(v.Notes, fmt.Sprintf("%d attempts looked at, %d of them just after a fault; %d failures, %d deaths; %d records dead, %d of them twice after a fault",
		t.looked, t.unsure, t.failures, t.deaths, t.dead, t.doubled))
}

// letterGrain is how exactly a letter tells its time: the report that it is of may have been sent later than that says.
const letterGrain = int64(time.Millisecond)

// bury notes the dead letters up to a time.
func (j *failureJudge) bury(now int64) {
	for ; j.dead < len(j.letters) && j.letters[j.dead].Time <= now; j.dead++ {
		if l := &j.letters[j.dead]; j.records[l.Of] != nil && j.records[l.Of].done == 0 {
			j.records[l.Of].done = l.Time
		}
	}
	for ; j.judged < j.dead && j.letters[j.judged].Time+letterGrain <= now; j.judged++ {
		if l := j.letters[j.judged]; j.records[l.Of] != nil {
			j.letter(j.records[l.Of], l)
		} else {
			j.verdict.breach(ruleWrongLetter, "%s is no record", l.Of)
		}
	}
}

func (j *failureJudge) event(e *event, a *attempts) {
	at := connection{e.Client, e.Conn}
	if j.held[at] == nil {
		j.held[at] = map[place]*attempts{}
	}
	switch e.Kind {
	case got:
		j.order(e, a)
		j.lapsed(e, a)
		j.attempt(e, a)
		a.times++
		a.lentAt = e.Time
		j.held[at][a.at] = a
	case ackingOne:
		a.done = e.Time
		if a.rejected = e.Text == string(reject); a.rejected {
			a.failures = append(a.failures, failure{at: e.Time})
		}
	case acked:
		j.over(at, a)
		a.accepted = a.accepted || e.Text != string(reject)
		j.answered(a, e, true)
	case failing:
		a.failures = append(a.failures, failure{at: e.Time})
	case failed:
		j.tally.failures++
		j.over(at, a)
		j.answered(a, e, true)
	case stale, unheld:
		j.over(at, a)
		a.done = 0
		j.answered(a, e, false)
	case died:
		j.die(at, e, a)
	case sent, okay, refused, acking, trouble: // others' side
	}
}

// over notes that a record is in nobody's hands.
func (j *failureJudge) over(at connection, a *attempts) {
	delete(j.held[at], a.at)
	a.lentAt = 0
}

// lapsed notes that the lease of a worker over HTTP that was kept waiting may have ended before it could settle the record.
func (j *failureJudge) lapsed(e *event, a *attempts) {
	if j.Web && a.lentAt > 0 && e.Time-a.lentAt >= int64(lapse/2) {
		a.failures = append(a.failures, failure{at: a.lentAt})
	}
}

// answered notes how a report of a failure was answered, if one is under way.
func (j *failureJudge) answered(a *attempts, e *event, counts bool) {
	last := len(a.failures) - 1
	if last < 0 || a.failures[last].sure || a.failures[last].dead {
		return
	}
	if !counts {
		a.failures = a.failures[:last]
		return
	}
	a.failures[last].at, a.failures[last].sure = e.Time, true
}

// die notes that a worker has died, or lets a lease end. A death counts on the oldest record that it holds of each partition.
func (j *failureJudge) die(at connection, e *event, a *attempts) {
	j.tally.deaths++
	if j.Web {
		j.over(at, a)
		a.failures = append(a.failures, failure{at: e.Time, sure: true, dead: true})
		return
	}
	oldest := map[lane]*attempts{}
	for _, held := range j.held[at] {
		if o := oldest[held.at.lane()]; o == nil || held.at.Offset < o.at.Offset {
			oldest[held.at.lane()] = held
		}
	}
	for _, o := range oldest {
		o.failures = append(o.failures, failure{at: e.Time, sure: true, dead: true})
	}
	delete(j.held, at)
}

// order judges that all earlier records of a key are done when one is handed out for the first time.
func (j *failureJudge) order(e *event, a *attempts) {
	if a.times > 0 {
		return
	}
	line, first := j.keys[a.script.key], j.first[a.script.key]
	for first < len(line) && line[first].done > 0 {
		first++
	}
	j.first[a.script.key] = first
	if first < len(line) && line[first].at.Offset < a.at.Offset {
		j.verdict.breach(ruleKeyOrder, "%s (%s) before %s (%s)", a.at, &a.script, line[first].at, &line[first].script)
	}
}

// attempt judges the attempt that a record was handed out with.
func (j *failureJudge) attempt(e *event, a *attempts) {
	told, err := strconv.Atoi(e.Text)
	if err != nil {
		return // the door does not say
	}
	least, most := j.bounds(a, e.Time)
	j.tally.looked++
	if least < most {
		j.tally.unsure++
	}
	if told < 1+least || told > 1+most {
		j.verdict.breach(ruleAttempt, "%s (%s): attempt %d after %d to %d failures", a.at, &a.script, told, least, most)
		return
	}
	a.settleFailures(told-1, j.isUnsure(e.Time))
}

// bounds are how many failures of a record sluice knows at least and at most.
func (j *failureJudge) bounds(a *attempts, now int64) (least, most int) {
	unsure := j.isUnsure(now)
	for _, f := range a.failures {
		if !unsure(f) {
			least++
		}
	}
	return least, len(a.failures)
}

// isUnsure tells of a failure whether sluice may not know it at a time.
func (j *failureJudge) isUnsure(now int64) func(failure) bool {
	return func(f failure) bool {
		switch {
		case f.at == 0:
			return false
		case !f.sure:
			return true
		case f.dead && j.stirred(f.at, now):
			return true
		}
		return slices.ContainsFunc(j.Forgiven, func(s span) bool {
			return now > s.To && span{s.From + int64(commitBound-failureBound), s.To}.has(f.at)
		})
	}
}

// settleFailures keeps as many failures as sluice knows. What it knows after a kill it does not forget.
func (a *attempts) settleFailures(known int, unsure func(failure) bool) {
	spare := len(a.failures) - known
	kept := a.failures[:0]
	for _, f := range a.failures {
		switch {
		case unsure(f) && spare > 0:
			spare--
			continue
		case unsure(f):
			f = failure{sure: true}
		}
		kept = append(kept, f)
	}
	a.failures = kept
}

// stirred tells whether something went wrong between two times.
func (j *failureJudge) stirred(from, to int64) bool {
	return slices.ContainsFunc(j.Given.Stirred, func(s span) bool { return s.From <= to && from <= s.To })
}

// letter judges a dead letter.
func (j *failureJudge) letter(a *attempts, l letter) {
	if n := len(a.letters); n > 0 {
		j.tally.doubled++
		if before := a.letters[n-1].Time; !j.stirred(before, before) && !j.stirred(l.Time, l.Time) {
			j.verdict.breach(ruleLetterTwice, "%s (%s), %d ms later", a.at, &a.script, (l.Time-before)/1e6)
		}
	} else {
		j.tally.dead++
	}
	a.letters = append(a.letters, l)
	reason := map[fate]string{poison: "retries_exhausted", hopeless: "rejected"}[a.script.fate]
	if a.script.fate == poison && j.Web && l.Reason == leaseExpired {
		reason = l.Reason // the last worker was kept waiting
	}
	least, most := j.bounds(a, l.Time)
	switch {
	case reason == "":
		j.verdict.breach(ruleLetterUseful, "%s (%s): %s", a.at, &a.script, l.Reason)
	case l.Key != a.script.key || l.Value != a.script.String() || l.Reason != reason || !j.classed(&l):
		j.verdict.breach(ruleWrongLetter, "%s (%s): %+v", a.at, &a.script, l)
	case len(a.letters) == 1 && (l.Attempts < least || l.Attempts > most):
		j.verdict.breach(ruleAttempt, "%s (%s): dead after %d attempts, and %d to %d failures", a.at, &a.script, l.Attempts, least, most)
	case a.script.fate == poison && l.Attempts < 1+mostRetries:
		j.verdict.breach(ruleAttempt, "%s (%s): dead after %d attempts", a.at, &a.script, l.Attempts)
	}
}

const leaseExpired = "lease_expired"

// classed tells whether a letter has the class that the workers report. What is given up after a kill may have lost it.
func (j *failureJudge) classed(l *letter) bool {
	return l.Class == "Deadlock" || l.Reason == leaseExpired || j.stirred(l.Time, l.Time)
}

// end judges what became of a record in the end: that it is accepted is judged with the others.
func (j *failureJudge) end(a *attempts) {
	if (a.script.fate == poison || a.rejected) && len(a.letters) == 0 {
		j.verdict.breach(ruleNoLetter, "%s (%s)", a.at, &a.script)
	}
}

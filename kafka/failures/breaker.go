package failures

import (
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// BreakerState says what a breaker lets through.
type BreakerState string

// The states.
const (
	// BreakerClosed: everything.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen: nothing, until the time of the next trial.
	BreakerOpen BreakerState = "open"
	// BreakerProbing: a trial is lent, and what it finds is not known yet.
	BreakerProbing BreakerState = "probing"
)

// DefaultBreaker is the breaker of a policy that asks for one and says no more. A service that fails for 60 s gets three
// records, those that are lent when the third of them fails, and 15 trials at most. It is back after 4 s.
var DefaultBreaker = Breaker{Failures: 3, Probe: 4 * time.Second}

// Circuit is the breaker of a topic in a group. It opens when Failures attempts have failed one after the other, with no
// success between. Then one record is lent in each Probe, a trial, until a record is accepted.
//
// The attempts may be of one record: where its partition waits for it, no other is tried, and it does not tell whether it is
// at fault. Rejected records are not counted as failed, and neither as accepted. The zero Circuit is always closed. A Breaker that is changed holds from then on.
type Circuit struct {
	Breaker Breaker

	failed  int // attempts, since the last success; fewer than Failures
	open    bool
	waiting bool      // a trial is lent
	since   time.Time // when it opened, or the last trial was lent
	trials  []record.PartitionOffset
}

// mostTrials bounds the records that Tried knows. Records beyond it are tried a second time.
const mostTrials = 64

// Open tells whether the circuit is open. While it is, the failure of a record is no attempt: the record is not to blame.
func (c *Circuit) Open() bool { return c.open && c.Breaker.Failures > 0 }

// State is the state in one word.
func (c *Circuit) State() BreakerState {
	switch {
	case !c.Open():
		return BreakerClosed
	case c.waiting:
		return BreakerProbing
	}
	return BreakerOpen
}

// Allow tells whether a record may be lent now. A trial that hangs does not keep the next one back.
func (c *Circuit) Allow(now time.Time) bool { return !c.Open() || now.Sub(c.since) >= c.Breaker.Probe }

// Next is the earliest time at which a record may be lent; now, if that is now.
func (c *Circuit) Next(now time.Time) time.Time {
	if c.Allow(now) {
		return now
	}
	return c.since.Add(c.Breaker.Probe)
}

// Lent says that a record is lent. While the circuit is open, it is a trial.
func (c *Circuit) Lent(id record.PartitionOffset, now time.Time) {
	if !c.Open() {
		return
	}
	c.since, c.waiting = now, true
	c.trials = slices.DeleteFunc(c.trials, func(other record.PartitionOffset) bool { return other == id })
	if len(c.trials) == mostTrials {
		c.trials = slices.Delete(c.trials, 0, 1)
	}
	c.trials = append(c.trials, id)
}

// Tried tells whether a record was one of the last trials. The next trial takes another one, where there is another.
func (c *Circuit) Tried(id record.PartitionOffset) bool {
	return c.Open() && slices.Contains(c.trials, id)
}

// Failed says that a record has failed. It reports whether that counts as an attempt of the record.
func (c *Circuit) Failed(id record.PartitionOffset, now time.Time) (counts bool) {
	switch {
	case c.Breaker.Failures == 0:
		c.close()
		return true
	case c.open:
		c.waiting = c.waiting && c.trials[len(c.trials)-1] != id
		return false
	}
	if c.failed++; c.failed >= c.Breaker.Failures {
		c.open, c.since, c.failed = true, now, 0
	}
	return true
}

// Accepted says that a record was processed: what processes them works.
func (c *Circuit) Accepted() { c.close() }

func (c *Circuit) close() { c.failed, c.trials, c.open, c.waiting = 0, nil, false, false }

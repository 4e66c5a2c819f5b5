package failures

import (
	"cmp"
	"math"
	"time"
)

// Policy says what becomes of the records of one topic in one group whose processing fails. It is the map
// groups.<group>.topics.<topic> of the configuration.
type Policy struct {
	// Backoff is how long a record waits before it is tried again. Each further wait is Multiplier times as long, up to
	// MaxBackoff.
	Backoff    time.Duration
	Multiplier float64
	MaxBackoff time.Duration
	// MaxRetries is how often a record is tried again after the first time; Unlimited, RetriesByDefault, or 0 for never.
	MaxRetries int
	// MaxDeliveries is how many clients may die while they hold a record.
	MaxDeliveries int
	// Lease is how long a client may hold a record, where a door limits that and the client does not; 0: as the door has it.
	Lease time.Duration
	// Dispatch says who may hold records at the same time; empty: as the client or its door wants it.
	Dispatch Dispatch
	// OnError says what waits for a record that failed; empty: Blocks.
	OnError OnError
	// DeadLetter says where records go that are given up.
	DeadLetter DeadLetter
	// Rate bounds how many records are lent in a time; a Limit of 0 is no bound.
	Rate Rate
	// MaxConcurrency bounds how many records are lent at once; 0 is no bound.
	MaxConcurrency int
	// Breaker stops the lending while everything fails; Failures of 0 is never.
	Breaker Breaker
	// ExpireAfter is the age from which a record is not lent any more, but given up; 0 is never.
	ExpireAfter time.Duration
	// Overrides are the settings that a client may set itself, as sluice.<name> in its key.
	Overrides []string
}

// Values of MaxRetries that are no number of retries.
const (
	// Unlimited is for records that are tried again for ever.
	Unlimited = -1
	// RetriesByDefault is DefaultRetries for records that can be given up, and Unlimited for others: see WithDefaults.
	RetriesByDefault = -2
)

// Dispatch says who may hold records of a partition at the same time.
type Dispatch string

// The ways of dispatch.
const (
	// Ordered lends a partition to one member at a time.
	Ordered Dispatch = "ordered"
	// Keyed lends any member any record, but never two records of one key of a partition at once.
	Keyed Dispatch = "keyed"
	// Shared lends any member any record.
	Shared Dispatch = "shared"
)

// OnError says what waits behind a record that failed.
type OnError string

// What waits.
const (
	// BlockPartition makes the records of its partition wait that were not lent yet.
	BlockPartition OnError = "partition"
	// BlockKey makes the records of its key wait. Records without a key wait for none.
	BlockKey OnError = "key"
	// Pass makes nothing wait.
	Pass OnError = "pass"
)

// Blocks is what waits behind a failed record in the dispatch.
func (p *Policy) Blocks(d Dispatch) OnError {
	switch {
	case p.OnError != "":
		return p.OnError
	case d == Ordered:
		return BlockPartition
	}
	return BlockKey
}

// DeadLetter says where a record goes that is given up. The zero value is nowhere: it is tried again for ever.
type DeadLetter struct {
	Topic string // where it is written
	Auto  bool   // Topic is made of the topic's and the group's names: see TopicName
	Skip  bool   // it is dropped, and counted
}

// Set tells whether records can be given up.
func (d DeadLetter) Set() bool { return d.Topic != "" || d.Auto || d.Skip }

// Rate is a number of records in a time.
type Rate struct {
	Limit int
	Per   time.Duration
}

// Breaker says when the lending of a topic stops: after so many attempts have failed one after the other. Then
// one record is tried in each Probe, until one is accepted.
type Breaker struct {
	Failures int
	Probe    time.Duration
}

// Default is the policy of a topic for which nothing is set.
func Default() Policy {
	return Policy{
		Backoff: time.Second, Multiplier: 2, MaxBackoff: 30 * time.Second,
		MaxRetries: Unlimited, MaxDeliveries: 20,
	}
}

// WithDefaults returns the policy with defaults where it has zeros that mean nothing. MaxBackoff is at least Backoff then.
func (p Policy) WithDefaults() Policy {
	normal := Default()
	p.Backoff = cmp.Or(p.Backoff, normal.Backoff)
	p.Multiplier = cmp.Or(p.Multiplier, normal.Multiplier)
	p.MaxBackoff = cmp.Or(p.MaxBackoff, max(p.Backoff, normal.MaxBackoff))
	p.MaxDeliveries = cmp.Or(p.MaxDeliveries, normal.MaxDeliveries)
	if p.MaxRetries == RetriesByDefault {
		p.MaxRetries = Unlimited
		if p.DeadLetter.Set() {
			p.MaxRetries = DefaultRetries
		}
	}
	return p
}

// DefaultRetries is MaxRetries with a dead-letter topic, where nothing else is set.
const DefaultRetries = 3

// jitter is the share by which a wait is made shorter or longer, so that what failed together is not tried together.
const jitter = 0.2

// Delay is how long a record waits that has failed so often, at least once. random is between 0 and 1.
func (p *Policy) Delay(failures int, random float64) time.Duration {
	wait := float64(p.Backoff) * math.Pow(p.Multiplier, float64(failures-1))
	wait = min(wait, float64(p.MaxBackoff))
	return time.Duration(wait * (1 + jitter*(2*random-1)))
}

// Exhausted tells whether a record that has failed so often is given up.
func (p *Policy) Exhausted(failures int) bool {
	return p.DeadLetter.Set() && p.MaxRetries != Unlimited && failures > p.MaxRetries
}

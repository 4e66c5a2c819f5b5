package kafka

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/metrics"
)

// ProducedRow is the book of one topic's produced records since the start. Every record that was
// accepted ends as exactly one Outcome, so Accepted is always the sum of Ended and Pending. A record
// that waits for its topic to be looked up is in no row yet: see ProfileStatus.Held.
type ProducedRow struct {
	Topic    string   // empty: the topics beyond Config.MaxTopicRows, and those that no broker has confirmed
	Accepted int64    // records taken from sessions
	Bytes    int64    // their keys and values
	Ended    [4]int64 // of these, by Outcome
}

// Pending is how many records have no outcome yet.
func (r *ProducedRow) Pending() int64 {
	return r.Accepted - r.Ended[record.OK] - r.Ended[record.Rejected] - r.Ended[record.Retry] - r.Ended[record.Unknown]
}

// ConsumedRow is the book of what a group was lent of one topic since the start. Every lease ends in
// one way, so Lent is always the sum of Accepted, Released, Rejected and Leased. The row outlives its
// subscription.
type ConsumedRow struct {
	Group, Topic string // both empty: what is beyond the bound on rows

	Fetched     int64 // records taken from the brokers
	Lent        int64 // leases: records handed to members, each time counted
	Accepted    int64 // leases that ended with an acknowledgement
	Released    int64 // leases that ended without: given back, or taken back from a member or with its partition
	Rejected    int64 // leases that ended in the dead-letter topic
	Redelivered int64 // of Lent, those of records that had been lent before
	Stale       int64 // settlements of records that the member did not owe (any more)
	Leased      int64 // leases that have not ended
	Skipped     int64 // records that the group was to get, and that were no more there

	// The worst of the records that hold back their partition's commits: since it was lent first, and how often it
	// was lent. Zero: there is none.
	StandingAge      time.Duration
	StandingAttempts int
}

// Status is what the client is doing now.
type Status struct {
	Profiles      []ProfileStatus      // by name
	Subscriptions []SubscriptionStatus // by group, then topics
}

// ProfileStatus is one producer profile. What librdkafka counts is as old as its last statistics
// (statistics.interval.ms, 10 s), and zero before the first.
type ProfileStatus struct {
	Name       string
	InFlight   int64                // records accepted that have no outcome yet, Held included
	Held       int64                // of these, those that wait for their topic to be looked up
	AckLatency metrics.Distribution // from librdkafka's taking a record to its report; sampled when reports come in runs
	Fullest    float64              // how near the topic that has most of the queue has come to its share: at 1 its records wait
	Fatal      int64                // times that the producer failed for good and was replaced

	Queued, QueuedBytes         int64 // what librdkafka's queue holds (msg_cnt, msg_size)
	QueueLimit, QueueBytesLimit int64 // and may hold (msg_max, msg_size_max)
	Brokers                     []BrokerStatus
}

// BrokerStatus is librdkafka's connection to one broker, as its statistics tell. The counters go on
// when the producer is replaced.
type BrokerStatus struct {
	ID      int32  // -1: a bootstrap address, listed while no broker is known by its number
	Address string // host:port
	State   string // librdkafka's word: UP, DOWN, INIT, CONNECT, ...
	RTT     RoundTrip

	Timeouts, Retries, Connects, Disconnects int64
	Throttle                                 time.Duration // average of the last interval
}

// RoundTrip is the time that a broker took to answer, over the last statistics interval; zero when
// nothing was sent.
type RoundTrip struct{ Average, P99 time.Duration }

// SubscriptionStatus is one open subscription.
type SubscriptionStatus struct {
	Group   string
	Topics  []string
	Members []ledger.MemberStatus // by name

	Partitions        int                     // assigned to this proxy
	Leased            int                     // records in members' hands
	Buffered          int                     // records in memory that wait to be lent
	BufferedBytes     int64                   // their size
	Rebalances        int64                   // assignments and revocations of the group's consumers in this proxy, since the start
	Skipped           int64                   // records that were to come and that the log did not hold any more, since the subscription was opened
	OldestUnacked     time.Duration           // since when the record that holds back its partition's commits was lent first; the largest over partitions
	Standing          []ledger.StandingRecord // of these records, those that were lent often, or are older than Config.StallAfter; the oldest first, ten at most
	Lag               int64                   // records that the group has not committed, over all its partitions; -1: not known
	LagSeconds        float64                 // age of the oldest record that is not settled here; -1: not known
	StalledPartitions int                     // that have a lag, and of which nothing was committed for Config.StallAfter, whoever has them
	Trouble           string                  // why nothing may come; empty: nothing is wrong
	Unreadable        int                     // partitions that a batch that cannot be read keeps from going on
}

package producer

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/metrics"
)

// TopicCounts count one topic's produced records since the start. Every accepted record ends as exactly one Outcome,
// so Accepted is the sum of Ended and Pending. A record that waits for its topic is not counted here yet; see
// ProfileStatus.Held.
type TopicCounts struct {
	Topic    string   // empty: all topics beyond Config.MaxTopicRows, and all that no broker has confirmed
	Accepted int64    // records taken from sessions
	Bytes    int64    // their keys and values
	Ended    [4]int64 // of these, by Outcome
}

// ProfileStatus is the state of one producer profile. librdkafka's figures are as old as its last statistics
// (statistics.interval.ms, 10 s by default). They are zero before the first statistics.
type ProfileStatus struct {
	Name       string
	InFlight   int64                // records accepted that have no outcome yet, Held included
	Held       int64                // of these, those that wait for their topic to be looked up
	AckLatency metrics.Distribution // from the call that hands librdkafka a record to its report; sampled when many reports come at once
	Fullest    float64              // how near a topic has come to its share of the queue, for the nearest topic: at 1 its records wait
	Fatal      int64                // times that the producer failed for good and was replaced

	Queued, QueuedBytes         int64 // what librdkafka's queue holds (msg_cnt, msg_size)
	QueueLimit, QueueBytesLimit int64 // and may hold (msg_max, msg_size_max)
	Brokers                     []BrokerStatus
}

// BrokerStatus is librdkafka's connection to one broker, from its statistics. The counters go on when the producer is
// replaced.
type BrokerStatus struct {
	ID      int32  // -1: a bootstrap address, listed until a broker's number is known
	Address string // host:port
	State   string // UP, DOWN, INIT, CONNECT, ..., as librdkafka says
	RTT     RoundTrip

	Timeouts, Retries, Connects, Disconnects int64
	Throttle                                 time.Duration // average of the last interval
}

// RoundTrip is how long a broker took to answer in the last statistics interval. It is zero when nothing was sent.
type RoundTrip struct{ Average, P99 time.Duration }

// Pending is how many records have no outcome yet.
func (r *TopicCounts) Pending() int64 {
	return r.Accepted - r.Ended[record.OK] - r.Ended[record.Rejected] - r.Ended[record.Retry] - r.Ended[record.Unknown]
}

func (p *producer) status() ProfileStatus {
	held := p.held.Load()
	s := ProfileStatus{
		Name: p.profile, Held: held, InFlight: held + p.producers.counters.inFlight(p.index),
		AckLatency: p.latency.Read(), Fatal: p.fatal.Load(), Fullest: p.producers.counters.fullest(p),
	}
	p.statistics.fill(&s)
	return s
}

// Status lists the profiles, by name.
func (ps *Producers) Status() []ProfileStatus {
	var all []ProfileStatus
	for _, p := range ps.all {
		all = append(all, p.status())
	}
	slices.SortFunc(all, func(a, b ProfileStatus) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Counts count all records since the start. Accepted is the sum of Ended and Pending, except for records that change
// while the counters are read.
type Counts struct {
	Accepted      int64    // records taken from sessions
	Ended         [4]int64 // of these, by Outcome
	Pending       int64    // of these, without an outcome
	UnknownEvents int64    // reports that belonged to no session
	Replaced      int64    // producers replaced after a fatal error
}

// Counts reads the counters of all producers.
func (ps *Producers) Counts() Counts {
	sum := ps.counters.sum()
	counts := Counts{Accepted: sum.Accepted, Ended: sum.Ended, Pending: sum.Pending(), UnknownEvents: ps.counters.unknownEvents.Load()}
	for _, p := range ps.all {
		held := p.held.Load()
		counts.Accepted += held
		counts.Pending += held
		counts.Replaced += p.fatal.Load()
	}
	return counts
}

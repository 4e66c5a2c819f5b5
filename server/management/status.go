package management

import (
	"net/http"
	"time"
)

// Status is the answer of /status, and what `sluice ctl status` prints.
type Status struct {
	Build         Build      `json:"build"`
	Started       time.Time  `json:"started"`
	UptimeSeconds float64    `json:"uptime_seconds"`
	Readiness                // ready, reasons
	Late          []Late     `json:"late"`
	LastReload    LastReload `json:"last_reload"`
	Listeners     []Listener `json:"listeners"`
	// Clients is how many connections of the Redis door are open.
	Clients int `json:"clients"`
	// HTTP is what the HTTP door is doing.
	HTTP          HTTP           `json:"http"`
	Profiles      []Profile      `json:"profiles"`
	Subscriptions []Subscription `json:"subscriptions"`
}

// HTTP is the load of the HTTP door.
type HTTP struct {
	// Clients is how many connections are open.
	Clients int `json:"clients"`
	// Requests are being answered. Waiting requests wait for records, streams included.
	Requests int64 `json:"requests"`
	Waiting  int64 `json:"waiting"`
	// Instances are consumer instances, as REST v2 has them.
	Instances int `json:"instances"`
}

// Profile is one shared producer.
type Profile struct {
	Name string `json:"name"`
	// InFlight are records without an outcome yet. Held is how many of these wait for the look-up of their topic.
	InFlight int64 `json:"in_flight"`
	Held     int64 `json:"held"`
	// Queued is how much of that librdkafka holds, in records and bytes, and how much it may hold.
	Queued          int64 `json:"queued"`
	QueueLimit      int64 `json:"queue_limit"`
	QueuedBytes     int64 `json:"queued_bytes"`
	QueueBytesLimit int64 `json:"queue_bytes_limit"`
	Replaced        int64 `json:"replaced"`
	// Brokers are those that the producer knows.
	Brokers []Broker `json:"brokers"`
}

// Broker is one broker as a producer sees it.
type Broker struct {
	ID      int32  `json:"id"`
	Address string `json:"address"`
	// State is librdkafka's word: UP, DOWN, CONNECT, ...
	State           string  `json:"state"`
	RTTSeconds      float64 `json:"rtt_seconds"`     // on average
	RTTP99Seconds   float64 `json:"rtt_p99_seconds"` // 99 of 100 are faster
	ThrottleSeconds float64 `json:"throttle_seconds"`
}

// Subscription is one membership in a Kafka group, and the clients that share it.
type Subscription struct {
	Group   string   `json:"group"`
	Topics  []string `json:"topics"`
	Members []Member `json:"members"`
	// Partitions are those that Kafka assigned to this sluice.
	Partitions int `json:"partitions"`
	// Leased records are with clients, Buffered ones wait here for one.
	Leased        int   `json:"leased"`
	Buffered      int   `json:"buffered"`
	BufferedBytes int64 `json:"buffered_bytes"`
	Rebalances    int64 `json:"rebalances"`
	// Skipped records were gone before the group got to them.
	Skipped int64 `json:"skipped"`
	// OldestUnackedSeconds is how long ago the record that holds back its partition was handed out first, the
	// largest over partitions.
	OldestUnackedSeconds float64 `json:"oldest_unacked_seconds"`
	// Standing are such records that were handed out often or long ago, the oldest first, ten at most.
	Standing []Standing `json:"standing"`
	Lagging
	// Trouble is what keeps the subscription from its records; empty when nothing does.
	Trouble string `json:"trouble,omitempty"`
	Failing
}

// Failing is what a subscription has of records that could not be processed.
type Failing struct {
	// Failing records have failed and are not settled. Held ones wait: for their time, or behind another one of their key.
	// Dying ones are given up, and their dead letters are being written.
	Failing int `json:"failing"`
	Held    int `json:"held"`
	Dying   int `json:"dying"`
	// Dead are records of the group that were given up since the start of sluice.
	Dead int64 `json:"dead"`
	// NextRetry is when the next failed record's time comes; null while none waits for it.
	NextRetry *time.Time `json:"next_retry"`
	// Stopped partitions lend no new records because of failed ones; twenty at most. StoppedPartitions counts all.
	Stopped           []Stopped `json:"stopped"`
	StoppedPartitions int       `json:"stopped_partitions"`
	// Crashers are records that clients have died of, one of each topic.
	Crashers []Crasher `json:"crashers"`
	// Bounds are those of topics whose policy has a breaker, a rate or a bound on records lent at once.
	Bounds []Bounds `json:"bounds"`
}

// Stopped is a partition of which no new records are lent.
type Stopped struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Offset is of the record that the others wait for; null when it is none of them.
	Offset *int64 `json:"offset"`
	// Reason is crowded, window, retry, dead_letter or dead_letter_topic.
	Reason string `json:"reason"`
	// Attempts of the record have failed.
	Attempts int `json:"attempts"`
	// Held records wait.
	Held int `json:"held"`
	// Until is when the record's time comes; null when it waits for something else.
	Until *time.Time `json:"until"`
	// Seconds is how long it has been so, about.
	Seconds float64 `json:"seconds"`
	// Why is all that in a sentence.
	Why string `json:"why"`
}

// Crasher is a record whose clients end while they hold it.
type Crasher struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Deaths is how many have.
	Deaths int `json:"deaths"`
}

// Bounds are how much of a topic may be lent on this sluice. What has no bound is left out.
type Bounds struct {
	Topic string `json:"topic"`
	// Breaker is closed, open or probing.
	Breaker string `json:"breaker,omitempty"`
	// RateLimit records may be lent in RatePerSeconds, RateLeft of them now.
	RateLimit      int     `json:"rate_limit,omitempty"`
	RatePerSeconds float64 `json:"rate_per_seconds,omitempty"`
	RateLeft       *int    `json:"rate_left,omitempty"`
	// MaxConcurrency records may be with clients at once. Leased ones are.
	MaxConcurrency int `json:"max_concurrency,omitempty"`
	Leased         int `json:"leased"`
	// Next is when the breaker and the rate let the next record through; null: now.
	Next *time.Time `json:"next"`
}

// Lagging is how far a group is behind.
type Lagging struct {
	// Lag is how many records the group has not settled; null while that is not known.
	Lag *int64 `json:"lag"`
	// LagSeconds is how long ago the first unsettled record was produced; null while that is not known.
	LagSeconds *float64 `json:"lag_seconds"`
	// Stalled is true while the lag of a partition does not change. StalledPartitions counts such partitions.
	Stalled           bool `json:"stalled"`
	StalledPartitions int  `json:"stalled_partitions"`
}

// Member is one named client of a group.
type Member struct {
	Name string `json:"name"`
	// Connected is false after the client has gone, while its records are kept for it.
	Connected bool `json:"connected"`
	// Owed records are with the client or wait for it. Leases counts those that are with it.
	Owed   int `json:"owed"`
	Leases int `json:"leases"`
}

// Standing is a record that was handed out and holds back the commits of its partition.
type Standing struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Attempts is how often it was handed out, Seconds how long ago that was for the first time.
	Attempts int     `json:"attempts"`
	Seconds  float64 `json:"seconds"`
	// Holder is the member that has it, empty when it waits for one.
	Holder string `json:"holder"`
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.Status())
}

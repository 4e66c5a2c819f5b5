package exchange

import (
	"cmp"
	"log/slog"
	"net/netip"
	"time"

	"github.com/sluice-proxy/sluice/server"
)

// Options are the door's settings. The zero value of a field means its default.
type Options struct {
	Names
	Limits
	Timeouts
	V2Answers

	// Password is what a request must bring, as a Bearer token or with Basic; empty asks for none.
	Password string
	// KeptHeaders are fields of a request with a raw body that its record keeps as headers (none).
	KeptHeaders []string
	// DeleteTopics lets clients delete topics.
	DeleteTopics bool
	// H2C lets clients speak HTTP/2 without TLS, from the first byte on.
	H2C bool
	// AccessLog is the share of requests that are logged, 0 to 1. Access is their log; nil is the door's own.
	AccessLog float64
	Access    *slog.Logger `json:"-"`
	// Stuck says why the process should be started again, and NotReady why clients should go elsewhere; nil functions
	// know of no reason.
	Stuck, NotReady func() []string `json:"-"`
	// Register tells the watchdog about a loop that begins; nil if there is no watchdog.
	Register server.Watch `json:"-"`
	// Clock is the clock of leases (the machine's).
	Clock server.Clock `json:"-"`
}

// V2Answers say whose answers those of REST v2 are, where other servers differ.
type V2Answers struct {
	// ExactCommits says that explicit offsets of REST v2's commits are the next ones to be read, and not the last processed.
	ExactCommits bool
	// BridgeAnswers says that REST v2 answers as Strimzi's bridge where that differs from Confluent's proxy: errors, results of
	// records, subscriptions.
	BridgeAnswers bool
	// LeastReply is how many bytes of keys and values a reply of an instance waits for (1), where its client does not say; -1
	// is always the whole time.
	LeastReply int
}

// Names are how clients reach the door.
type Names struct {
	// Hosts are names under which the door may be asked, in addition to localhost and addresses.
	Hosts []string
	// BaseURI is the URL of the door, without a slash at its end. If it is empty, the URL of the request counts.
	BaseURI string
	// TrustedProxies are peers whose Forwarded and X-Forwarded-* headers count.
	TrustedProxies []netip.Prefix
}

// Limits bound what clients may use at once.
type Limits struct {
	// MaxConnections bounds the open connections (10 000). More wait in the kernel.
	MaxConnections int
	// MaxRequests bounds the requests that are answered at once (1 000). More are told to come back.
	MaxRequests int
	// MaxWaiting bounds the requests that wait for records at once, streams included (5 000). They do not count for
	// MaxRequests.
	MaxWaiting int
	// MaxBody bounds the body of a request, and a record of a streamed body, in bytes (4 MiB).
	MaxBody int
	// MaxRecords bounds the records of a request that is not streamed (1 000).
	MaxRecords int
	// MaxHeld bounds the bodies of all requests together, in bytes (256 MiB).
	MaxHeld int
	// MaxInstances bounds the consumer instances (1 000).
	MaxInstances int
}

// Timeouts are how long the door waits.
type Timeouts struct {
	// InstanceIdle is how long a consumer instance lives without a request (5 minutes).
	InstanceIdle time.Duration
	// HeaderTimeout is how long a client may take to send the header of a request (5 s).
	HeaderTimeout time.Duration
	// BodyTimeout is how long a client may take to send the body of a request (30 s).
	BodyTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request (60 s).
	IdleTimeout time.Duration
	// WriteTimeout is how long a client may take to read a piece of an answer (10 s).
	WriteTimeout time.Duration `json:"-"`
	// Heartbeat is how long a stream of records may be silent (15 s). It is shorter than the read timeouts of proxies.
	Heartbeat time.Duration `json:"-"`
	// AckTimeout is how long a produce waits for the brokers' answer (30 s).
	AckTimeout time.Duration
	// QueueTimeout is how long a produce waits for room in a full queue (5 s).
	QueueTimeout time.Duration
	// DrainGrace is how long Drain waits for requests that are being answered (10 s).
	DrainGrace time.Duration
}

// AnswerTime is how long an answer may take: from the end of the request's header to a part that a client does not read.
// Streams move its end on. It is longer than Heartbeat.
func (t *Timeouts) AnswerTime() time.Duration {
	return max(t.BodyTimeout+t.QueueTimeout+t.AckTimeout, t.Heartbeat) + t.WriteTimeout
}

// webhookHeaders are what senders of webhooks sign a body with, and what says of which kind it is: Stripe, GitHub, and
// all that follow Standard Webhooks (https://www.standardwebhooks.com).
func webhookHeaders() []string {
	return []string{
		"Stripe-Signature", "X-Hub-Signature-256", "X-GitHub-Event", "X-GitHub-Delivery", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
	}
}

// DefaultOptions returns what a zero Options stands for. It also has the lists whose zero value is an empty list.
func DefaultOptions() Options {
	return Options{
		Clock: server.SystemClock{}, V2Answers: V2Answers{LeastReply: 1},
		KeptHeaders: webhookHeaders(),
		Limits: Limits{
			MaxConnections: 10_000, MaxRequests: 1_000, MaxWaiting: 5_000, MaxBody: 4 << 20, MaxRecords: 1_000,
			MaxHeld: 256 << 20, MaxInstances: 1_000,
		},
		Timeouts: Timeouts{
			InstanceIdle: 5 * time.Minute, HeaderTimeout: 5 * time.Second, BodyTimeout: 30 * time.Second, IdleTimeout: time.Minute,
			WriteTimeout: 10 * time.Second, Heartbeat: 15 * time.Second, AckTimeout: 30 * time.Second, QueueTimeout: 5 * time.Second, DrainGrace: 10 * time.Second,
		},
	}
}

// orDefaults fills the fields that are zero.
func (o Options) orDefaults() Options {
	d := DefaultOptions()
	o.Clock = cmp.Or(o.Clock, d.Clock)
	o.LeastReply = cmp.Or(o.LeastReply, d.LeastReply)
	o.MaxConnections = cmp.Or(o.MaxConnections, d.MaxConnections)
	o.MaxRequests = cmp.Or(o.MaxRequests, d.MaxRequests)
	o.MaxWaiting = cmp.Or(o.MaxWaiting, d.MaxWaiting)
	o.MaxBody = cmp.Or(o.MaxBody, d.MaxBody)
	o.MaxRecords = cmp.Or(o.MaxRecords, d.MaxRecords)
	o.MaxHeld = cmp.Or(o.MaxHeld, d.MaxHeld)
	o.MaxInstances = cmp.Or(o.MaxInstances, d.MaxInstances)
	o.InstanceIdle = cmp.Or(o.InstanceIdle, d.InstanceIdle)
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, d.HeaderTimeout)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, d.BodyTimeout)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, d.IdleTimeout)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, d.WriteTimeout)
	o.Heartbeat = cmp.Or(o.Heartbeat, d.Heartbeat)
	o.AckTimeout = cmp.Or(o.AckTimeout, d.AckTimeout)
	o.QueueTimeout = cmp.Or(o.QueueTimeout, d.QueueTimeout)
	o.DrainGrace = cmp.Or(o.DrainGrace, d.DrainGrace)
	return o
}

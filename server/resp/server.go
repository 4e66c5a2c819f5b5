// Package resp serves the Redis protocol to clients.
//
// table.go says how a command is added. Each file cmd_*.go has one family of commands: its rows of the table on top,
// the handlers below.
package resp

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp/conn"
	"github.com/sluice-proxy/sluice/server/resp/monitor"
	"github.com/sluice-proxy/sluice/server/resp/topiclist"
)

// Options are the server's settings. The zero value of a field means its default.
type Options struct {
	// Limits bound one command.
	Limits protocol.Limits
	// MaxClients is how many connections may be open at once (10 000).
	MaxClients int
	// Password is what AUTH asks for; empty asks for none.
	Password string
	// AckTimeout is how long a delivered produce waits for the brokers' answer (30 s).
	AckTimeout time.Duration
	// QueueTimeout is how long a produce waits for room in a full queue (5 s).
	QueueTimeout time.Duration
	// CommandTimeout is how long a client may take to send one command (30 s).
	CommandTimeout time.Duration
	// AuthTimeout is how long a client may take to authenticate, where that is asked (5 s).
	AuthTimeout time.Duration
	// WriteTimeout is how long a client may take to read anything of its replies (10 s).
	WriteTimeout time.Duration
	// OutputLimit is twice what one batch of records may hold, in bytes (8 MiB).
	OutputLimit int
	// DrainGrace is how long Drain waits for clients that still owe something (10 s).
	DrainGrace time.Duration
	// Version is what INFO reports of the proxy itself.
	Version string
	// Register tells the watchdog about a loop that begins; nil when there is no watchdog.
	Register server.Watch `json:"-"`
}

// DefaultOptions returns what a zero Options stands for.
func DefaultOptions() Options {
	return Options{
		Limits: protocol.DefaultLimits(), MaxClients: 10_000, AckTimeout: 30 * time.Second,
		QueueTimeout: 5 * time.Second, CommandTimeout: 30 * time.Second, AuthTimeout: 5 * time.Second,
		WriteTimeout: 10 * time.Second, OutputLimit: 8 << 20, DrainGrace: 10 * time.Second, Version: "dev",
	}
}

// orDefaults fills the fields that are zero.
func (o Options) orDefaults() Options {
	d := DefaultOptions()
	if o.Limits == (protocol.Limits{}) {
		o.Limits = d.Limits
	}
	o.Version = cmp.Or(o.Version, d.Version)
	o.MaxClients = cmp.Or(o.MaxClients, d.MaxClients)
	o.OutputLimit = cmp.Or(o.OutputLimit, d.OutputLimit)
	o.AckTimeout = cmp.Or(o.AckTimeout, d.AckTimeout)
	o.QueueTimeout = cmp.Or(o.QueueTimeout, d.QueueTimeout)
	o.CommandTimeout = cmp.Or(o.CommandTimeout, d.CommandTimeout)
	o.AuthTimeout = cmp.Or(o.AuthTimeout, d.AuthTimeout)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, d.WriteTimeout)
	o.DrainGrace = cmp.Or(o.DrainGrace, d.DrainGrace)
	return o
}

// Server accepts connections and runs a session for each.
type Server struct {
	opts    atomic.Pointer[Options]
	kafka   *kafka.Client
	log     *slog.Logger
	started time.Time

	counters counters
	baseline atomic.Pointer[kafka.Stats] // the counters at the last DEL stats

	drain     drain
	listeners server.Listeners
	sessions  sessions
	turns     conn.Turns
	monitors  monitor.Monitors
	topics    *topiclist.Lister
}

// drain is the end of the server's service.
type drain struct {
	since time.Time // set before begun is
	begun atomic.Bool

	// A client that sends commands when the drain begins must be told that they are refused. Its connection must not
	// end with commands under way. So a session ends when its client has been silent for quiet, but no later than
	// longest after the drain began.
	quiet, longest time.Duration
}

const (
	drainQuiet   = 100 * time.Millisecond
	drainLongest = 500 * time.Millisecond
)

func (d *drain) begin() {
	d.since = time.Now()
	d.begun.Store(true)
}

// New makes a server of the client; Serve opens it.
func New(client *kafka.Client, opts Options, log *slog.Logger) *Server {
	s := &Server{kafka: client, log: log, started: time.Now(), counters: newCounters(), sessions: newSessions()}
	s.drain.quiet, s.drain.longest = drainQuiet, drainLongest
	s.topics = topiclist.New(client.TopicNames, s.sessions.running.Go)
	s.baseline.Store(&kafka.Stats{})
	s.Reconfigure(opts)
	return s
}

// Reconfigure changes the server's settings. Sessions that are open keep the limits and times with which they began.
// The password is asked of clients that authenticate from now on.
func (s *Server) Reconfigure(opts Options) {
	opts = opts.orDefaults()
	s.opts.Store(&opts)
}

func (s *Server) options() *Options { return s.opts.Load() }

func (s *Server) limits(authenticated bool) protocol.Limits {
	if authenticated {
		return s.options().Limits
	}
	return protocol.PreAuthLimits()
}

// Drain closes the listeners and lets sessions end. Outstanding replies are sent, and the first commands of a client
// that has only just connected are run. Other new work is refused. A session ends when neither side owes the other
// anything. After the grace, or with ctx, the rest are cut. Drain returns when no session is left, and says how many
// were cut.
func (s *Server) Drain(ctx context.Context) int {
	s.drain.begin()
	s.listeners.Finish()
	for _, session := range s.sessions.all() {
		session.conn.Wake()
	}
	ctx, cancel := context.WithTimeout(ctx, s.options().DrainGrace)
	defer cancel()
	done := make(chan struct{})
	go func() {
		s.sessions.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return 0
	case <-ctx.Done():
	}
	cut := s.sessions.all()
	for _, session := range cut {
		session.kill()
	}
	<-done
	return len(cut)
}

// Package resp is the door that speaks the Redis protocol: sessions, the command table, and the
// handlers behind it.
package resp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// Options are the door's settings. The zero value of a field means its default.
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
	if o.Version == "" {
		o.Version = d.Version
	}
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
	opts    Options
	kafka   *kafka.Client
	log     *slog.Logger
	started time.Time

	draining  atomic.Bool
	drainedAt time.Time    // set before draining is
	commands  atomic.Int64 // commands run
	accepted  atomic.Int64 // connections accepted, the source of session ids
	refused   atomic.Int64 // connections over MaxClients
	watchers  watchers
	catalogue catalogue
	baseline  atomic.Pointer[kafka.Stats] // what DEL stats forgot

	mu        sync.Mutex // guards what follows
	listeners map[net.Listener]struct{}
	sessions  map[int64]*session
	owners    map[kafka.Identity]*session
	going     sync.WaitGroup // sessions
}

// New makes a door to the client; Serve opens it.
func New(client *kafka.Client, opts Options, log *slog.Logger) *Server {
	s := &Server{
		opts: opts.orDefaults(), kafka: client, log: log, started: time.Now(),
		listeners: map[net.Listener]struct{}{}, sessions: map[int64]*session{},
		owners: map[kafka.Identity]*session{},
	}
	s.baseline.Store(&kafka.Stats{})
	return s
}

// Serve accepts connections until the listener is closed, by Drain or otherwise. Running out of file
// descriptors slows accepting down; it does not end it.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	var pause backoff
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			s.log.Warn("connection not accepted", "err", err, "pause", pause.next())
			time.Sleep(pause.value())
		}
	}
}

// backoff is the time between attempts that fail: 5 ms, doubling up to a second.
type backoff time.Duration

func (b *backoff) next() time.Duration {
	*b = min(max(2**b, backoff(5*time.Millisecond)), backoff(time.Second))
	return b.value()
}

func (b *backoff) value() time.Duration { return time.Duration(*b) }

// admit starts a session, or turns the connection away as Redis does (networking.c,
// acceptCommonHandler).
func (s *Server) admit(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		s.log.Error("connection refused", "err", "the listener is not TCP")
		_ = conn.Close()
		return
	}
	session, err := s.open(tcp)
	if err != nil {
		s.refused.Add(1)
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte("-" + err.Error() + "\r\n"))
		_ = conn.Close()
		return
	}
	s.going.Go(session.serve)
}

var errMaxClients = errors.New("ERR max number of clients reached")

func (s *Server) open(conn *net.TCPConn) (*session, error) {
	keepalive(conn)
	wire, err := newWire(conn, s.limits(s.opts.Password == ""))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= s.opts.MaxClients {
		return nil, errMaxClients
	}
	session := newSession(s, wire, s.accepted.Add(1))
	s.sessions[session.id] = session
	return session, nil
}

// keepalive finds peers that are gone without a word within about a minute. Keepalive is silent while
// sent bytes are unacknowledged: a record on its way to a machine without power would stay with it for
// as long as the kernel sends again, a quarter of an hour. TCP_USER_TIMEOUT (tcp(7)) bounds that.
func keepalive(conn *net.TCPConn) {
	const gone = time.Minute
	_ = conn.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: gone / 2, Interval: gone / 6, Count: 3})
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(gone.Milliseconds()))
		})
	}
}

func (s *Server) limits(authenticated bool) protocol.Limits {
	if authenticated {
		return s.opts.Limits
	}
	return protocol.PreAuthLimits()
}

// all returns the sessions of now.
func (s *Server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*session, 0, len(s.sessions))
	for _, session := range s.sessions {
		list = append(list, session)
	}
	return list
}

// Drain closes the listeners and lets sessions end: what waits is answered, new work is refused,
// and a session leaves when it owes nothing. After the grace, or with ctx, the rest are cut. It
// returns when no session is left, and says how many were cut.
func (s *Server) Drain(ctx context.Context) int {
	s.drainedAt = time.Now()
	s.draining.Store(true)
	s.closeListeners()
	for _, session := range s.all() {
		session.wire.wake()
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.DrainGrace)
	defer cancel()
	done := make(chan struct{})
	go func() {
		s.going.Wait()
		close(done)
	}()
	select {
	case <-done:
		return 0
	case <-ctx.Done():
	}
	cut := s.all()
	for _, session := range cut {
		session.kill()
	}
	<-done
	return len(cut)
}

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		_ = l.Close()
	}
}

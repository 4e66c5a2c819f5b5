package management

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/patience"
)

// callers is a listener that always has room for one more connection: an operator must not wait for connections that say
// nothing, or almost nothing. Of too many connections it closes the one whose last request ended longest ago, or which
// has waited longest for its first. It closes a connection that is being answered only when there is no other.
type callers struct {
	*server.LimitListener

	reserve *server.Reserve

	mu  sync.Mutex // guards what follows, and since and answered of each caller
	all map[*caller]struct{}
}

// caller is one connection.
type caller struct {
	net.Conn

	of       *callers
	since    time.Time // when it came, or when its last request was answered
	answered bool      // a request is being answered
}

func (s *Server) callers(l net.Listener, beat func()) *callers {
	// This limit is never reached: beyond maxConnections there are only one that comes and one that is being closed.
	limited := server.NewLimitListener(l, server.NewSlots(maxConnections+2), beat)
	limited.UseSpare()
	return &callers{LimitListener: limited, reserve: s.reserve, all: map[*caller]struct{}{}}
}

// Accept waits for the next caller.
func (c *callers) Accept() (net.Conn, error) {
	for {
		conn, err := c.LimitListener.Accept()
		if err == nil {
			return c.admit(conn), nil
		}
		if !server.UsedUp(err) || !c.reserve.Give() {
			return nil, err
		}
	}
}

func (c *callers) admit(conn net.Conn) *caller {
	k := &caller{Conn: patience.With(conn, writeTimeout), of: c, since: time.Now()}
	c.mu.Lock()
	c.all[k] = struct{}{}
	var last *caller
	if len(c.all) > maxConnections {
		for other := range c.all {
			if other != k && (last == nil || other.before(last)) {
				last = other
			}
		}
	}
	c.mu.Unlock()
	if last != nil {
		_ = last.Close()
	}
	return k
}

// before tells whether the caller is closed before the other. The lock of their callers is held.
func (k *caller) before(other *caller) bool {
	if k.answered != other.answered {
		return other.answered
	}
	return k.since.Before(other.since)
}

// Close closes the connection, and lets the reserve take a descriptor back.
func (k *caller) Close() error {
	err := k.Conn.Close()
	k.of.mu.Lock()
	delete(k.of.all, k)
	k.of.mu.Unlock()
	k.of.reserve.Fill()
	return err
}

func (k *caller) answering(now bool) {
	k.of.mu.Lock()
	defer k.of.mu.Unlock()
	k.answered, k.since = now, time.Now()
}

type callerKey struct{}

func withCaller(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, callerKey{}, conn)
}

// attended notes which callers are being answered.
func attended(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k, is := r.Context().Value(callerKey{}).(*caller); is {
			k.answering(true)
			defer k.answering(false)
		}
		next.ServeHTTP(w, r)
	})
}

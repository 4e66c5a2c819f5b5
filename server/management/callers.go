package management

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/server"
)

// callers is a listener that always has room for one more: who asks how the process is shall not wait for those who
// say nothing, or so little at a time that it comes to the same. Of too many the one goes whose last request is
// longest over, or that has not made one for longest; one that is being answered goes last.
type callers struct {
	*server.LimitListener

	reserve *server.Reserve

	mu  sync.Mutex // guards what follows, and what changes of each caller
	all map[*caller]struct{}
}

// caller is one connection.
type caller struct {
	net.Conn

	of       *callers
	since    time.Time // it came, or its last request was answered
	answered bool      // it is being
}

func (s *Server) callers(l net.Listener, beat func()) *callers {
	// The limit is never reached: two more than may stay is one that comes and one that goes.
	limited := server.NewLimitListener(l, maxConnections+2, beat)
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
	k := &caller{Conn: conn, of: c, since: time.Now()}
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

// before tells whether the caller goes before the other. Their callers' mu is held.
func (k *caller) before(other *caller) bool {
	if k.answered != other.answered {
		return other.answered
	}
	return k.since.Before(other.since)
}

// Close closes the connection. What the reserve gave away comes back.
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

// attended notes who is being answered.
func attended(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k, is := r.Context().Value(callerKey{}).(*caller); is {
			k.answering(true)
			defer k.answering(false)
		}
		next.ServeHTTP(w, r)
	})
}

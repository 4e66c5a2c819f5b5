package httpconn

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// States counts the open connections by their state. A busy connection has a request, or is so new that its first
// request may be on its way.
type States struct {
	mu       *sync.Mutex // guards what follows
	changed  *sync.Cond
	states   map[net.Conn]http.ConnState
	busy     int
	accepted int64
}

// NewStates returns the states of no connections.
func NewStates() States {
	mu := &sync.Mutex{}
	return States{mu: mu, changed: sync.NewCond(mu), states: map[net.Conn]http.ConnState{}}
}

func isBusy(state http.ConnState) bool { return state == http.StateNew || state == http.StateActive }

// Note is http.Server.ConnState.
func (c *States) Note(conn net.Conn, now http.ConnState) {
	if w, ok := conn.(*Conn); ok && now == http.StateIdle {
		w.idle()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, known := c.states[conn]; known && isBusy(before) {
		c.busy--
	}
	if isBusy(now) {
		c.busy++
	}
	switch now {
	case http.StateNew:
		c.accepted++
		c.states[conn] = now
	case http.StateClosed, http.StateHijacked:
		delete(c.states, conn)
	default:
		c.states[conn] = now
	}
	if c.busy == 0 || len(c.states) == 0 {
		c.changed.Broadcast()
	}
}

// WaitIdle waits until no connection is busy, or ctx ends. It returns how many are busy then.
func (c *States) WaitIdle(ctx context.Context) int {
	defer context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.changed.Broadcast()
	})()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.busy > 0 && ctx.Err() == nil {
		c.changed.Wait()
	}
	return c.busy
}

// WaitClosed waits until no connection is open. The caller has closed them all.
func (c *States) WaitClosed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.states) > 0 {
		c.changed.Wait()
	}
}

// Count returns how many connections are open, and how many were accepted so far.
func (c *States) Count() (open int, accepted int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.states), c.accepted
}

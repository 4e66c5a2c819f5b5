package rest

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// connections are those that are open, told by net/http. Busy ones have a request, or are so new that
// their first may be on its way.
type connections struct {
	mu       *sync.Mutex // guards what follows
	changed  *sync.Cond
	states   map[net.Conn]http.ConnState
	busy     int
	accepted int64
}

func newConnections() connections {
	mu := &sync.Mutex{}
	return connections{mu: mu, changed: sync.NewCond(mu), states: map[net.Conn]http.ConnState{}}
}

func isBusy(state http.ConnState) bool { return state == http.StateNew || state == http.StateActive }

// note is called by net/http for every change.
func (c *connections) note(conn net.Conn, now http.ConnState) {
	if w, ok := conn.(*wire); ok && now == http.StateIdle {
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

// untilQuiet waits until none is busy, or ctx ends; it returns how many are.
func (c *connections) untilQuiet(ctx context.Context) int {
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

// untilGone waits until none is open: all are closed, and their handlers end.
func (c *connections) untilGone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.states) > 0 {
		c.changed.Wait()
	}
}

func (c *connections) count() (open int, accepted int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.states), c.accepted
}

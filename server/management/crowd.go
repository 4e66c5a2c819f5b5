package management

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// acceptTurn is how long a crowd waits for one connection before its loop turns; acceptGap is how long a
// turn may take before the loop counts as stuck.
const (
	acceptTurn = time.Second
	acceptGap  = 15 * time.Second
)

// crowd is a listener that lets in so many connections at once, and whose loop can be watched.
type crowd struct {
	net.Listener

	places chan struct{}
	beat   func()
	closed chan struct{}
	once   sync.Once
}

func newCrowd(l net.Listener, places int, beat func()) *crowd {
	return &crowd{Listener: l, places: make(chan struct{}, places), beat: beat, closed: make(chan struct{})}
}

// Accept waits for a place, then for somebody to take it, and beats meanwhile.
func (c *crowd) Accept() (net.Conn, error) {
	if err := c.takePlace(); err != nil {
		return nil, err
	}
	for {
		conn, err := c.acceptWithin(acceptTurn)
		c.beat()
		switch {
		case err == nil:
			return &guest{Conn: conn, leave: c.freePlace}, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			c.freePlace()
			return nil, err
		}
	}
}

func (c *crowd) takePlace() error {
	turn := time.NewTicker(acceptTurn)
	defer turn.Stop()
	for {
		select {
		case c.places <- struct{}{}:
			return nil
		case <-c.closed:
			return net.ErrClosed
		case <-turn.C:
			c.beat()
		}
	}
}

func (c *crowd) freePlace() { <-c.places }

// acceptWithin is Accept with a deadline, where the listener has them.
func (c *crowd) acceptWithin(d time.Duration) (net.Conn, error) {
	if l, ok := c.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		if err := l.SetDeadline(time.Now().Add(d)); err != nil {
			return nil, err
		}
	}
	return c.Listener.Accept()
}

// Close ends Accept wherever it waits.
func (c *crowd) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// guest is a connection that gives its place back once.
type guest struct {
	net.Conn

	once  sync.Once
	leave func()
}

// Close closes the connection.
func (g *guest) Close() error {
	err := g.Conn.Close()
	g.once.Do(g.leave)
	return err
}

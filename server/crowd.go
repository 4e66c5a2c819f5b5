package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	acceptTurn = time.Second           // how long a crowd waits for one connection before its loop turns
	acceptLast = 10 * time.Millisecond // how long one that finishes still waits
)

// AcceptGap is how long a turn of a Crowd's loop may take before the loop counts as stuck.
const AcceptGap = 15 * time.Second

// Crowd is a listener that lets in so many connections at once, and whose loop can be watched. More wait
// in the kernel.
type Crowd struct {
	net.Listener

	places chan struct{}
	beat   func()
	spare  bool        // it may use the spare descriptors
	last   atomic.Bool // let in who waits already, then nobody
	closed chan struct{}
	once   sync.Once
}

// NewCrowd makes a crowd of the listener, with so many places. beat is called by every turn of its loop.
func NewCrowd(l net.Listener, places int, beat func()) *Crowd {
	return &Crowd{Listener: l, places: make(chan struct{}, places), beat: beat, closed: make(chan struct{})}
}

// UseSpare lets the crowd in also when clients have used up their descriptors.
func (c *Crowd) UseSpare() *Crowd {
	c.spare = true
	return c
}

// Accept waits for a place, then for somebody to take it, and beats meanwhile. ErrScarce says that those who come
// have to wait.
func (c *Crowd) Accept() (net.Conn, error) {
	if err := c.takePlace(); err != nil {
		return nil, err
	}
	if !c.spare && !c.last.Load() && Scarce() {
		c.freePlace()
		c.beat()
		return nil, ErrScarce
	}
	for {
		conn, err := c.acceptWithin(acceptTurn)
		c.beat()
		switch {
		case err == nil:
			return c.guest(conn), nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			c.freePlace()
			return nil, err
		case c.last.Load():
			return c.acceptWaiting()
		}
	}
}

// takePlace fails when no place becomes free while the crowd finishes.
func (c *Crowd) takePlace() error {
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
			if c.last.Load() {
				return net.ErrClosed
			}
		}
	}
}

func (c *Crowd) freePlace() { <-c.places }

// acceptWithin is Accept with a deadline, where the listener has them.
func (c *Crowd) acceptWithin(d time.Duration) (net.Conn, error) {
	if l, ok := c.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		if err := l.SetDeadline(time.Now().Add(d)); err != nil {
			return nil, err
		}
		if c.last.Load() { // Finish sets it before it shortens the deadline: one of the two is the last
			_ = l.SetDeadline(time.Now().Add(acceptLast))
		}
	}
	return c.Listener.Accept()
}

// Finish lets in who has connected already; then Accept fails with net.ErrClosed. A listener that was
// closed at once would reset the connections that wait in it. Where the listener has no deadlines it is
// closed.
func (c *Crowd) Finish() {
	c.last.Store(true)
	l, ok := c.Listener.(interface{ SetDeadline(time.Time) error })
	if !ok || l.SetDeadline(time.Now().Add(acceptLast)) != nil {
		_ = c.Close()
	}
}

// acceptWaiting takes who connected while the last deadline passed: Accept does not look any more then.
// What may be left is the moment between this look and Close.
func (c *Crowd) acceptWaiting() (net.Conn, error) {
	if l, ok := c.Listener.(*net.TCPListener); ok {
		if conn, err := AcceptNow(l); err == nil {
			return c.guest(conn), nil
		}
	}
	c.freePlace()
	return nil, net.ErrClosed
}

// Close ends Accept wherever it waits.
func (c *Crowd) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

func (c *Crowd) guest(conn net.Conn) net.Conn {
	if tcp, ok := conn.(*net.TCPConn); ok {
		Keepalive(tcp)
	}
	return &guest{Conn: conn, leave: c.freePlace}
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

// Unwrap is the connection itself.
func (g *guest) Unwrap() net.Conn { return g.Conn }

// CloseWrite lets the client see the end of what is said to it, where the connection can do that.
func (g *guest) CloseWrite() error {
	if conn, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return conn.CloseWrite()
	}
	return errors.ErrUnsupported
}

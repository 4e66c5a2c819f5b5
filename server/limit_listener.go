package server

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Slots are places for connections. Several listeners may share them.
type Slots chan struct{}

// NewSlots makes places for so many connections.
func NewSlots(limit int) Slots { return make(Slots, limit) }

// LimitListener is a Listener whose open connections need slots. Connections without one wait in the kernel.
type LimitListener struct {
	*Listener

	slots Slots
}

// NewLimitListener limits a listener. Every turn of its accept loop calls beat.
func NewLimitListener(l net.Listener, slots Slots, beat func()) *LimitListener {
	return &LimitListener{Listener: NewListener(l, beat), slots: slots}
}

// Accept waits until fewer connections are open than the limit, then for a connection, as Listener.Accept does.
func (l *LimitListener) Accept() (net.Conn, error) {
	if err := l.acquire(); err != nil {
		return nil, err
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		l.release()
		return nil, err
	}
	return &limitConn{Conn: conn, release: l.release}, nil
}

// acquire takes a slot, and beats while it waits. It fails when no slot is free after Finish.
func (l *LimitListener) acquire() error {
	turn := time.NewTicker(acceptTurn)
	defer turn.Stop()
	for {
		select {
		case l.slots <- struct{}{}:
			return nil
		case <-l.closed:
			return net.ErrClosed
		case <-turn.C:
			l.beat()
			if l.isFinishing() {
				return net.ErrClosed
			}
		}
	}
}

func (l *LimitListener) release() { <-l.slots }

// limitConn is a connection that gives its slot back once.
type limitConn struct {
	net.Conn

	once    sync.Once
	release func()
}

// Close closes the connection.
func (c *limitConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.release)
	return err
}

// Unwrap returns the connection itself.
func (c *limitConn) Unwrap() net.Conn { return c.Conn }

// CloseWrite ends what is sent to the client, where the connection can do that.
func (c *limitConn) CloseWrite() error {
	if conn, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return conn.CloseWrite()
	}
	return errors.ErrUnsupported
}

package patience

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is a connection whose write deadline is for a client that does not read. While the client reads, a write
// goes on, however slow that is.
type Conn struct {
	net.Conn

	raw     syscall.RawConn
	longest time.Duration
	limit   atomic.Int64 // how long the client may read nothing; 0: the deadline counts as it is
}

// With returns the connection with patience. Within longest its client must read something, also where the deadline is
// later. A connection that is no socket is returned as it is.
func With(conn net.Conn, longest time.Duration) net.Conn {
	raw := Socket(conn)
	if raw == nil {
		return conn
	}
	return &Conn{Conn: conn, raw: raw, longest: longest}
}

// SetWriteDeadline says until when a client must have read something that reads nothing from now on.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	limit := min(time.Until(t), c.longest)
	if t.IsZero() || limit <= 0 {
		c.limit.Store(0)
		return c.Conn.SetWriteDeadline(t)
	}
	c.limit.Store(int64(limit))
	return c.Conn.SetWriteDeadline(time.Now().Add(LookEvery(limit)))
}

// SetDeadline sets a deadline without patience.
func (c *Conn) SetDeadline(t time.Time) error {
	c.limit.Store(0)
	return c.Conn.SetDeadline(t)
}

// Write writes as long as the client reads.
func (c *Conn) Write(p []byte) (int, error) {
	var reading Reading
	for written := 0; ; {
		n, err := c.Conn.Write(p[written:])
		written += n
		limit := time.Duration(c.limit.Load())
		if limit == 0 || !errors.Is(err, os.ErrDeadlineExceeded) || reading.Stopped(Held(c.raw), n > 0) {
			return written, err
		}
		if err := c.Conn.SetWriteDeadline(time.Now().Add(LookEvery(limit))); err != nil {
			return written, err
		}
	}
}

// Unwrap returns the connection itself.
func (c *Conn) Unwrap() net.Conn { return c.Conn }

// CloseWrite ends what is sent to the client, where the connection can do that.
func (c *Conn) CloseWrite() error {
	if conn, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return conn.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Socket is the socket inside a connection, nil where there is none.
func Socket(conn net.Conn) syscall.RawConn {
	for {
		switch c := conn.(type) {
		case syscall.Conn:
			raw, err := c.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		case interface{ Unwrap() net.Conn }:
			conn = c.Unwrap()
		default:
			return nil
		}
	}
}

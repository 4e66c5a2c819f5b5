package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// conn is a client that costs little, so that what is measured is the server: commands are built
// by hand, replies are read element by element and not kept. It is used alike for both sides.
type conn struct {
	net    net.Conn
	out    []byte
	in     []byte
	at, to int // what is unread of in
}

// replyTimeout ends a run that hangs.
const replyTimeout = time.Minute

func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, replyTimeout)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, in: make([]byte, 4<<10)}, nil
}

func (c *conn) close() { _ = c.net.Close() }

// command appends a command to buf.
func command(buf []byte, args ...string) []byte {
	buf = append(strconv.AppendInt(append(buf, '*'), int64(len(args)), 10), "\r\n"...)
	for _, arg := range args {
		buf = append(strconv.AppendInt(append(buf, '$'), int64(len(arg)), 10), "\r\n"...)
		buf = append(append(buf, arg...), "\r\n"...)
	}
	return buf
}

// send writes what is in out.
func (c *conn) send() error {
	_, err := c.net.Write(c.out)
	c.out = c.out[:0]
	return err
}

// element is a part of a reply: a header of an aggregate, or a value. body is valid until the next.
type element struct {
	kind byte
	n    int64 // an integer, or a length; -1 for null
	body []byte
}

// next reads one element.
func (c *conn) next() (element, error) {
	line, err := c.line()
	if err != nil {
		return element{}, err
	}
	e := element{kind: line[0], body: line[1:]}
	switch e.kind {
	case '-':
		return e, errors.New(string(e.body))
	case '+', '_':
		return e, nil
	}
	e.n = number(e.body)
	if e.kind == '$' && e.n >= 0 {
		e.body, err = c.bytes(int(e.n))
	}
	return e, err
}

// number reads digits that a server wrote.
func number(digits []byte) int64 {
	n, sign := int64(0), int64(1)
	for _, d := range digits {
		if d == '-' {
			sign = -1
			continue
		}
		n = n*10 + int64(d-'0')
	}
	return sign * n
}

func (c *conn) line() ([]byte, error) {
	for scanned := 0; ; {
		if i := bytes.IndexByte(c.in[c.at+scanned:c.to], '\n'); i >= 0 {
			line := c.in[c.at : c.at+scanned+i-1]
			c.at += scanned + i + 1
			if len(line) == 0 {
				return nil, errors.New("empty line in a reply")
			}
			return line, nil
		}
		scanned = c.to - c.at
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

func (c *conn) bytes(n int) ([]byte, error) {
	for c.to-c.at < n+2 {
		if err := c.more(); err != nil {
			return nil, err
		}
	}
	body := c.in[c.at : c.at+n]
	c.at += n + 2
	return body, nil
}

// more reads from the socket.
func (c *conn) more() error {
	if c.at > 0 {
		c.to = copy(c.in, c.in[c.at:c.to])
		c.at = 0
	}
	if c.to == len(c.in) {
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := c.net.Read(c.in[c.to:])
	c.to += n
	return err
}

// do runs one command and returns all elements of its reply but aggregates' headers, as strings.
func (c *conn) do(args ...string) ([]string, error) {
	if err := c.net.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return nil, err
	}
	c.out = command(c.out, args...)
	if err := c.send(); err != nil {
		return nil, err
	}
	var values []string
	for owed := int64(1); owed > 0; owed-- {
		e, err := c.next()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", args[0], err)
		}
		if e.kind == '*' {
			owed += max(e.n, 0)
			continue
		}
		values = append(values, string(e.body))
	}
	return values, c.net.SetDeadline(time.Time{})
}

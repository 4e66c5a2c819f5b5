package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// straggling is how long a connection is watched at the end for replies that nobody expected.
const straggling = 20 * time.Millisecond

// conn is one client's connection.
type conn struct {
	net     net.Conn
	replies *bufio.Reader
	proto   int
	// switches has, for each command under way, the protocol its success switches to, or 0.
	switches []int
}

// dial connects and, for RESP3, says HELLO 3 first.
func dial(addr string, proto int, patience time.Duration) (*conn, error) {
	raw, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &conn{net: raw, replies: bufio.NewReader(raw), proto: 2}
	if proto == 2 {
		return c, nil
	}
	if err := c.send([]string{"HELLO", "3"}); err != nil {
		return nil, err
	}
	hello, err := c.read(patience)
	if err != nil {
		return nil, fmt.Errorf("HELLO 3: %w", err)
	}
	// A server with a password refuses: the transcript then goes on in RESP2 until its own HELLO.
	if c.proto != 3 && !strings.HasPrefix(hello.text, "NOAUTH ") {
		return nil, fmt.Errorf("HELLO 3: %s", hello)
	}
	return c, nil
}

// send writes a command as a RESP array.
func (c *conn) send(args []string) error {
	b := []byte("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, a := range args {
		b = append(b, "$"+strconv.Itoa(len(a))+"\r\n"+a+"\r\n"...)
	}
	c.switches = append(c.switches, switchesTo(args))
	_, err := c.net.Write(b)
	return err
}

func switchesTo(args []string) int {
	switch {
	case len(args) == 0:
		return 0
	case strings.EqualFold(args[0], "RESET"):
		return 2
	case strings.EqualFold(args[0], "HELLO") && len(args) > 1:
		n, _ := strconv.Atoi(args[1])
		return n
	}
	return 0
}

func (c *conn) read(patience time.Duration) (value, error) {
	if err := c.net.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return value{}, err
	}
	v, err := readValue(c.replies)
	if err != nil || len(c.switches) == 0 {
		return v, err
	}
	if to := c.switches[0]; to != 0 && v.kind != kindError {
		c.proto = to // the reply itself is in the new protocol already
	}
	c.switches = c.switches[1:]
	return v, nil
}

// closed is nil when the server ends the connection without another byte.
func (c *conn) closed(patience time.Duration) error {
	if err := c.net.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	b, err := c.replies.ReadByte()
	if err != nil {
		return ended(err)
	}
	_ = c.replies.UnreadByte()
	v, _ := readValue(c.replies)
	return fmt.Errorf("want the connection closed, got %s (from %q)", v, b)
}

// ended is nil when a read failed because the other side ended the connection: with EOF, or with a
// reset when bytes of ours were still on their way.
func ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("want the connection closed, it is still open")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// quiet is nil when no reply is left over.
func (c *conn) quiet() error {
	if err := c.net.SetReadDeadline(time.Now().Add(straggling)); err != nil {
		return err
	}
	v, err := readValue(c.replies)
	if err == nil {
		return fmt.Errorf("a reply nobody expected: %s", v)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

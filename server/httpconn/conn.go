// Package httpconn is the server's side of a connection of HTTP.
//
// net/http answers some faulty requests by itself, in plain text and without a handler. A Conn replaces those answers
// by the door's own: what net/http writes while no handler runs is such an answer, and the last one on the connection.
package httpconn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/server/httpframe"
	"github.com/sluice-proxy/sluice/server/patience"
)

// Refuse counts a refusal that no handler makes, and returns its bytes, header included.
type Refuse func(status int, message string) []byte

// Conn is a connection.
type Conn struct {
	net.Conn

	refusal   Refuse
	framing   httpframe.Reader
	asked     bool        // bytes of the next request have come
	served    int         // requests that handlers took
	over      bool        // what comes next belongs to a request that was answered
	answering atomic.Bool // a handler runs
	lingers   atomic.Bool // Close waits for the client: it may still be sending, or it matters whether it reads
	tail      []byte      // the part of poison that was not read yet
	end       connEnd
}

// Listener makes a Conn of every connection that it accepts.
type Listener struct {
	net.Listener

	Refuse   Refuse
	Patience time.Duration // how long a client may read nothing of an answer
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: patience.With(conn, l.Patience), refusal: l.Refuse}, nil
}

type connKey struct{}

// WithConn is http.Server.ConnContext.
func WithConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// Preface is the method of the line that begins a connection of HTTP/2.
const Preface = "PRI"

// connOf returns the connection of a request; nil for HTTP/2, whose requests do not come one after the other.
func connOf(r *http.Request) *Conn {
	if r.ProtoMajor > 1 && r.Method != Preface {
		return nil
	}
	c, _ := r.Context().Value(connKey{}).(*Conn)
	return c
}

// MarkHandled notes that a handler answers the request from now on.
func MarkHandled(r *http.Request) {
	if c := connOf(r); c != nil {
		c.answering.Store(true)
		c.served++
	}
}

// MarkRefused notes that a handler refuses a request whose body may still be coming.
func MarkRefused(r *http.Request) {
	if c := connOf(r); c != nil && r.ContentLength != 0 {
		c.lingers.Store(true)
	}
}

// idle notes that the answer is complete. A full-duplex handler may leave a part of the body unread; net/http could take
// that part for another request.
func (c *Conn) idle() {
	if c.framing.IsHTTP2() {
		return
	}
	c.asked = false
	c.over = c.served == c.framing.Requests() && c.framing.InBody()
	c.lingers.Store(c.over)
	c.answering.Store(false)
}

// poison makes net/http refuse a request: it is no line of HTTP anywhere, and it ends every header.
const poison = "\x00\r\n\r\n"

// Read gives net/http the bytes that are in order, and poison after a fault. net/http then refuses the request at that
// place, after the answers to the requests before. An error from Read would drop those answers.
func (c *Conn) Read(p []byte) (int, error) {
	if c.over {
		return 0, io.EOF
	}
	if c.framing.Fault() != nil {
		return c.readPoison(p), nil
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.asked = true
		good := c.framing.Read(p[:n])
		if c.framing.Fault() != nil {
			c.tail = []byte(poison)
			return good + c.readPoison(p[good:]), nil
		}
	}
	if err != nil && c.asked && errors.Is(err, os.ErrDeadlineExceeded) && !c.answering.Load() && !c.framing.IsHTTP2() {
		c.refuse(&httpframe.Fault{
			Status: http.StatusRequestTimeout, Message: "HTTP 408 Request Timeout: the header did not come in time",
		})
	}
	return n, err
}

func (c *Conn) readPoison(p []byte) int {
	n := copy(p, c.tail)
	c.tail = c.tail[n:]
	if n == 0 && len(p) > 0 { // net/http checks whether the client is still there
		p[0], n = '\n', 1
	}
	return n
}

// Write sends the answers of handlers, and replaces those that net/http makes by itself.
func (c *Conn) Write(p []byte) (int, error) {
	if c.answering.Load() || !bytes.HasPrefix(p, []byte("HTTP/1.")) {
		n, err := c.Conn.Write(p)
		c.end.written.Add(int64(n))
		return n, err
	}
	fault := c.framing.Fault()
	if fault == nil {
		fault = translate(p)
	}
	c.refuse(fault)
	return len(p), nil
}

// translate reads an answer of net/http. Its first line has the status and the reason; its body only repeats them.
func translate(p []byte) *httpframe.Fault {
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	_, reason, _ := bytes.Cut(line, []byte(" "))
	number, _, _ := bytes.Cut(reason, []byte(" "))
	status, err := strconv.Atoi(string(number))
	if err != nil {
		status = http.StatusBadRequest
	}
	if status == http.StatusRequestHeaderFieldsTooLarge {
		return httpframe.TooManyFields()
	}
	return &httpframe.Fault{Status: status, Message: "HTTP " + string(reason)}
}

// How long, and for how many bytes, linger reads on.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// refuse sends the last answer.
func (c *Conn) refuse(fault *httpframe.Fault) {
	answer := c.refusal(fault.Status, fault.Message)
	_ = c.Conn.SetDeadline(time.Now().Add(lingerTime))
	if _, err := c.Conn.Write(answer); err == nil {
		c.linger()
	}
}

// linger reads on for a moment. To close while the client is still writing would reset the connection, and the answer
// would be lost (RFC 9112, 9.6).
func (c *Conn) linger() {
	_ = c.Conn.SetDeadline(time.Now().Add(lingerTime))
	if c.CloseWrite() == nil {
		_, err := io.CopyN(io.Discard, c.Conn, lingerBytes)
		c.noteReset(err)
	}
}

// Close closes the connection after the client had time to read the last answer.
func (c *Conn) Close() error {
	if c.lingers.CompareAndSwap(true, false) {
		c.linger()
	}
	c.noteEnd()
	return c.Conn.Close()
}

// CloseWrite lets the client see the end of the answers. net/http looks for this method.
func (c *Conn) CloseWrite() error {
	conn, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	err := conn.CloseWrite()
	c.end.finished.Store(c.end.finished.Load() || err == nil)
	return err
}

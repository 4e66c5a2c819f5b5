package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/server"
)

// wire is a connection. It answers in our shape what net/http answers by itself, in plain text, without a
// handler: what is written while no request is being answered is such an answer, and the last one.
type wire struct {
	net.Conn

	door      *Server
	framing   framing
	asked     bool        // bytes of the next request have come
	served    int         // requests that handlers took
	over      bool        // what comes next belongs to a request that was answered
	answering atomic.Bool // a handler has taken a request
	lingers   atomic.Bool // it refused one whose body may still be coming
	tail      []byte      // of the poison, not read yet
}

// wires is a listener of wires.
type wires struct {
	*server.LimitListener

	door *Server
}

// Accept waits for the next connection.
func (l *wires) Accept() (net.Conn, error) {
	conn, err := l.LimitListener.Accept()
	if err != nil {
		return nil, err
	}
	return &wire{Conn: conn, door: l.door}, nil
}

type wireKey struct{}

func withWire(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, wireKey{}, conn)
}

// wireOf is the connection of a request, nil for HTTP/2: there requests do not come in a row.
func wireOf(r *http.Request) *wire {
	if r.ProtoMajor > 1 && r.Method != preface {
		return nil
	}
	w, _ := r.Context().Value(wireKey{}).(*wire)
	return w
}

// taken notes that a handler answers from now on.
func taken(r *http.Request) {
	if w := wireOf(r); w != nil {
		w.answering.Store(true)
		w.served++
	}
}

// refusing notes that a request is refused whose body may still be coming.
func refusing(r *http.Request) {
	if w := wireOf(r); w != nil && r.ContentLength != 0 {
		w.lingers.Store(true)
	}
}

// idle notes that the answer is complete. net/http may take for another request what is left of a body that
// a full-duplex handler did not want to the end.
func (w *wire) idle() {
	if w.framing.next == unchecked {
		return
	}
	w.asked = false
	w.over = w.served == w.framing.requests && w.framing.inBody()
	w.lingers.Store(w.over)
	w.answering.Store(false)
}

// poison is no line of HTTP, wherever it is read, and the end of every header.
const poison = "\x00\r\n\r\n"

// Read gives net/http the bytes that are in order, and after a fault what it refuses at that place, which
// is after the answers to the requests before. An error would take those back.
func (w *wire) Read(p []byte) (int, error) {
	if w.over {
		return 0, io.EOF
	}
	if w.framing.fault != nil {
		return w.readPoison(p), nil
	}
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.asked = true
		good := w.framing.read(p[:n])
		if w.framing.fault != nil {
			w.tail = []byte(poison)
			return good + w.readPoison(p[good:]), nil
		}
	}
	if err != nil && w.asked && errors.Is(err, os.ErrDeadlineExceeded) && !w.answering.Load() && w.framing.next != unchecked {
		w.refuse(plain(http.StatusRequestTimeout, "HTTP 408 Request Timeout: the header did not come in time"))
	}
	return n, err
}

func (w *wire) readPoison(p []byte) int {
	n := copy(p, w.tail)
	w.tail = w.tail[n:]
	if n == 0 && len(p) > 0 { // net/http looks whether the client is still there
		p[0], n = '\n', 1
	}
	return n
}

// Write sends what handlers answer, and says better what net/http says by itself.
func (w *wire) Write(p []byte) (int, error) {
	if w.answering.Load() || !bytes.HasPrefix(p, []byte("HTTP/1.")) {
		return w.Conn.Write(p)
	}
	f := w.framing.fault
	if f == nil {
		f = translate(p)
	}
	w.refuse(f)
	return len(p), nil
}

// translate reads an answer of net/http's own: the status is in its first line, with the reason; a body
// only repeats that.
func translate(p []byte) *failure {
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	_, reason, _ := bytes.Cut(line, []byte(" "))
	number, _, _ := bytes.Cut(reason, []byte(" "))
	status, err := strconv.Atoi(string(number))
	if err != nil {
		status = http.StatusBadRequest
	}
	if status == http.StatusRequestHeaderFieldsTooLarge {
		return tooManyFields()
	}
	return plain(status, "HTTP %s", reason)
}

// The bounds of a farewell.
const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// refuse sends the last answer.
func (w *wire) refuse(f *failure) {
	countAnswer(w.door.meters[nil], f.status, 0)
	w.door.log.Debug("request not granted", "status", f.status, "reason", f.message)
	_ = w.Conn.SetDeadline(time.Now().Add(lingerTime))
	if _, err := w.Conn.Write(lastAnswer(f)); err == nil {
		w.linger()
	}
}

// linger reads on for a moment: to close while the client is still writing would reset the connection,
// and the answer would be lost on its way (RFC 9112, 9.6).
func (w *wire) linger() {
	_ = w.Conn.SetDeadline(time.Now().Add(lingerTime))
	if w.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, w.Conn, lingerBytes)
	}
}

// Close closes the connection, once the client had time to read why.
func (w *wire) Close() error {
	if w.lingers.CompareAndSwap(true, false) {
		w.linger()
	}
	return w.Conn.Close()
}

// CloseWrite lets the client see the end of the answers. net/http looks for it.
func (w *wire) CloseWrite() error {
	if conn, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return conn.CloseWrite()
	}
	return errors.ErrUnsupported
}

// lastAnswer is a failure as bytes.
func lastAnswer(f *failure) []byte {
	body, _ := json.Marshal(problem{f.code, f.message, f.outcome}) // always has a JSON
	b := append([]byte("HTTP/1.1 "), strconv.Itoa(f.status)...)
	b = append(append(b, ' '), http.StatusText(f.status)...)
	b = append(b, "\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\nContent-Type: "+v2Type+"\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\nX-Content-Type-Options: nosniff\r\n"+requestID+": "...)
	b = append(append(b, newID()...), "\r\n\r\n"...)
	return append(b, body...)
}

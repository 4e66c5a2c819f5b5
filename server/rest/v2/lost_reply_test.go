package v2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// lostAfter are requests for records whose client does not read the reply, and how it goes away.
var lostAfter = map[string]struct {
	fields string // of the request
	end    func(*net.TCPConn) error
}{
	"closed, not read":                   {"", (*net.TCPConn).Close},
	"closed, not read, for one request":  {"Connection: close\r\n", (*net.TCPConn).Close},
	"reset":                              {"", reset},
	"reset, for one request":             {"Connection: close\r\n", reset},
	"closed after half of it":            {"", readHalf},
	"closed after half, for one request": {"Connection: close\r\n", readHalf},
}

func reset(conn *net.TCPConn) error { return errors.Join(conn.SetLinger(0), conn.Close()) }

func readHalf(conn *net.TCPConn) error {
	_, err := conn.Read(make([]byte, 300))
	return errors.Join(err, conn.Close())
}

// A reply of which the client read nothing, or not all, is not committed. Its records come again, first.
func TestAReplyThatWasNotReadIsNotCommitted(t *testing.T) {
	t.Parallel()
	for name, c := range lostAfter {
		for config, manual := range map[string]bool{resttest.Manual: true, resttest.Automatic: false} {
			t.Run(fmt.Sprintf("%s, manual: %v", name, manual), func(t *testing.T) {
				t.Parallel()
				s := resttest.Start(t, exchange.Options{})
				s.Fill(6)
				s.Instance(config, "blobs")
				resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 0)
				conn, err := net.Dial("tcp", s.Addr)
				if err != nil {
					t.Fatal(err)
				}
				s.Write(conn, "GET %s/records?timeout=10000&max_bytes=3 HTTP/1.1\r\nHost: localhost\r\n%s\r\n", resttest.W1, c.fields)
				tcp := conn.(*net.TCPConn)
				awaitUnread(t, tcp, "}]")
				if err := c.end(tcp); err != nil {
					t.Fatal(err)
				}
				if manual {
					s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
					s.WantCommitted(1)
				}
				resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 1, 2, 3, 4, 5)
				s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
				s.WantCommitted(6)
				s.WantBooks()
			})
		}
	}
}

// awaitUnread waits until a client's kernel has a reply that the client has not read, to its end.
func awaitUnread(t *testing.T, conn *net.TCPConn, end string) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	resttest.Eventually(t, "the reply", func() bool {
		peeked := make([]byte, 64<<10)
		_ = raw.Control(func(fd uintptr) {
			n, _, err := unix.Recvfrom(int(fd), peeked, unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if peeked = peeked[:max(0, n)]; err != nil {
				peeked = nil
			}
		})
		return bytes.HasSuffix(peeked, []byte(end))
	})
}

// A client that has read its reply has got it, whatever it does with the connection then.
func TestAReplyThatWasReadIsCommitted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields string
		end    func(net.Conn) error
	}{
		"kept":                    {"", func(net.Conn) error { return nil }},
		"closed":                  {"", net.Conn.Close},
		"closed, for one request": {"Connection: close\r\n", net.Conn.Close},
		"kept, for one request":   {"Connection: close\r\n", func(net.Conn) error { return nil }},
		"asks no more":            {"", func(c net.Conn) error { return c.(*resttest.Spoken).Conn.(*net.TCPConn).CloseWrite() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := resttest.Start(t, exchange.Options{})
			const replies = 20
			s.Fill(replies)
			s.Instance(resttest.Manual, "blobs")
			for i := range replies {
				conn, in := s.Dial()
				s.Write(conn, "GET %s/records?timeout=10000&max_bytes=1 HTTP/1.1\r\nHost: localhost\r\n%s\r\n", resttest.W1, c.fields)
				if text := bodyOf(s, in); !strings.Contains(text, fmt.Sprintf(`"offset":%d,`, i)) {
					t.Fatalf("reply %d: %s", i, text)
				}
				if err := c.end(conn); err != nil {
					t.Fatal(err)
				}
				s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
				s.WantCommitted(int64(i) + 1)
			}
			s.WantBooks()
		})
	}
}

// Over HTTP/2 a connection carries many replies. If it is reset, the client may have read none of those that came since
// the last commit.
func TestAReplyOverHTTP2ThatWasNotReadIsNotCommitted(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{H2C: true})
	s.Fill(3)
	s.SpeakHTTP2()
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 0)
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(1)
	conns := make(chan net.Conn, 1)
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		conns <- conn
		open, end := context.WithCancel(context.Background())
		return unreadConn{conn, open, end}, err
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addr+resttest.W1+"/records?timeout=10000", nil)
		if err == nil {
			_, err = transport.RoundTrip(r) //nolint:bodyclose // there is none
		}
		asked <- err
	}()
	conn := (<-conns).(*net.TCPConn)
	awaitUnread(t, conn, "\x00\x00\x00\x00\x01\x00\x00\x00\x01") // an empty frame ends the stream
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(1)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 1, 2)
	cancel()
	<-asked
}

// unreadConn is a connection of which nothing is read before it is closed.
type unreadConn struct {
	net.Conn

	open context.Context //nolint:containedctx // of the connection
	end  func()
}

func (c unreadConn) Read([]byte) (int, error) {
	<-c.open.Done()
	return 0, net.ErrClosed
}

func (c unreadConn) Close() error {
	c.end()
	return c.Conn.Close()
}

// A reply that sluice's kernel still holds, because the client does not read, is not committed.
func TestAReplyThatIsNotConfirmedIsNotCommitted(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Put("blobs", 0, `"`+strings.Repeat("x", 500_000)+`"`)
	s.Instance(resttest.Manual, "blobs")
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10) }), err)
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Write(conn, "GET %s/records?timeout=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n", resttest.W1)
	resttest.Eventually(t, "the reply", func() bool { return s.Door.V2.Handed(resttest.Billing) == 1 })
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(0)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
	s.WantCommitted(1)
}

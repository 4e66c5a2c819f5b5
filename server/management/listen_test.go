package management

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// listen serves until the test ends.
func listen(t *testing.T, network, address string, serve func(net.Listener) error, s *Server) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(l) }()
	t.Cleanup(func() {
		s.Close(within(t, longest))
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestTheControlSocketTakesOrdersAndTheOpenListenerDoesNot(t *testing.T) {
	var drains atomic.Int32
	s := New(Sources{Drain: func() { drains.Add(1) }}, testLog(t))
	open := listen(t, "tcp", "127.0.0.1:0", s.Serve, s)
	path := listen(t, "unix", filepath.Join(t.TempDir(), "sluice.sock"), s.ServeControl, s)
	post := func(network, address string) int {
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
		defer transport.CloseIdleConnections()
		r, err := (&http.Client{Transport: transport}).Post("http://localhost/drain", "", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		return r.StatusCode
	}
	if status := post("tcp", open); status != http.StatusNotFound || drains.Load() != 0 {
		t.Errorf("open: %d, %d drains", status, drains.Load())
	}
	if status := post("unix", path); status != http.StatusAccepted || drains.Load() != 1 {
		t.Errorf("control: %d, %d drains", status, drains.Load())
	}
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(longest)); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func TestLongHeadersAreRefused(t *testing.T) {
	s := New(Sources{}, testLog(t))
	conn, in := dial(t, listen(t, "tcp", "127.0.0.1:0", s.Serve, s))
	if _, err := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*headerBytes)); err != nil {
		t.Fatal(err)
	}
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "431") {
		t.Errorf("%q %v", line, err)
	}
}

func TestServeEndsWithCloseAlsoWhenThatCameFirst(t *testing.T) {
	ended := 0
	s := New(Sources{Register: func(loop string, gap time.Duration) (beat, end func()) {
		if loop != "management" || gap <= time.Second {
			t.Errorf("registered %s %v", loop, gap)
		}
		return func() {}, func() { ended++ }
	}}, testLog(t))
	s.Close(within(t, longest))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); err != nil || ended != 1 {
		t.Errorf("%v, ended %d", err, ended)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener is still open")
	}
}

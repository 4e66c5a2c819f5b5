package v1_test

import (
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
	v1 "github.com/sluice-proxy/sluice/server/rest/v1"
)

// A thousand streams that wait for records must fit into 60 MB.
func TestAnIdleStreamIsCheap(t *testing.T) {
	const n = 200
	s := resttest.Start(t, exchange.Options{})
	idle(s, 1)
	before := inUse()
	idle(s, n)
	if each := (inUse() - before) / n; each > 60_000 {
		t.Errorf("%d bytes each", each)
	} else {
		t.Logf("%d bytes each", each)
	}
}

// idle opens streams and waits for the beginning of their answers.
func idle(s *resttest.Sluice, n int) {
	s.T.Helper()
	for range n {
		conn, err := (&net.Dialer{}).DialContext(s.T.Context(), "tcp", s.Addr)
		if err != nil {
			s.T.Fatal(err)
		}
		s.T.Cleanup(func() { _ = conn.Close() })
		s.Write(conn, "GET /v1/groups/a/messages?topics=blobs HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n\r\n", v1.EventType)
		for text := []byte{}; !strings.Contains(string(text), "retry: 1000"); {
			var some [512]byte
			n, err := conn.Read(some[:])
			if err != nil {
				s.T.Fatalf("%v after %q", err, text)
			}
			text = append(text, some[:n]...)
		}
	}
}

// inUse returns the memory in use, stacks included.
func inUse() int {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return int(now.HeapAlloc + now.StackInuse) //nolint:gosec // some megabytes
}

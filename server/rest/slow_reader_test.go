package rest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

const (
	readLimit    = 500 * time.Millisecond // how long a client may read nothing
	largeRecords = 6                      // more than what the kernel holds for a connection
)

// A client that reads an answer steadily is not cut, however slow it is.
func TestASlowReaderGetsItsWholeAnswer(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"a page":      "/v1/topics/blobs/partitions/0/records?offset=0&max_bytes=16000000",
		"a stream":    "/v1/groups/a/messages?topics=blobs&ack=none",
		"an instance": resttest.W1 + "/records?max_bytes=16000000",
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2: %v", name, http2), func(t *testing.T) {
				t.Parallel()
				for {
					err, held := readSlowly(t, path, http2)
					if err == nil {
						return
					}
					if !held { // otherwise the machine did not let the client read
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// readSlowly reads an answer slowly. held says that it could not read for half the limit.
func readSlowly(t *testing.T, path string, http2 bool) (err error, held bool) { //nolint:revive // the error is what the caller asks for
	t.Helper()
	s := resttest.Start(t, exchange.Options{H2C: http2, Timeouts: exchange.Timeouts{WriteTimeout: readLimit}})
	for range largeRecords {
		s.Put("blobs", 0, `"`+strings.Repeat("x", 900_000)+`"`)
	}
	s.Instance(`{"name":"w1","format":"json","auto.commit.enable":"false","fetch.min.bytes":"5400000","consumer.request.timeout.ms":"20000"}`, "blobs")
	conn := &slowConn{}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(http2)
	protocols.SetHTTP1(!http2)
	transport := &http.Transport{Protocols: protocols, DialContext: conn.dial, DisableCompression: true, ReadBufferSize: 16 << 10}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/x-ndjson, application/json")
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err, conn.held.Load()
	}
	defer answer.Body.Close()
	in := bufio.NewReader(answer.Body)
	for n := 0; n < largeRecords; {
		value, err := in.ReadString('x')
		if err != nil {
			return fmt.Errorf("%d, %d records: %w", answer.StatusCode, n, err), conn.held.Load()
		}
		if len(value) > 1 { // the text between two values
			n++
		}
	}
	return nil, false
}

// slowConn is a connection with a small buffer, of which a megabyte is read in a second.
type slowConn struct {
	net.Conn

	tick *time.Ticker
	last time.Time
	left int         // bytes that may be read before the next tick
	held atomic.Bool // it could not read for half the limit
}

// dial opens the connection.
func (c *slowConn) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 64<<10) }), err)
	}}
	conn, err := dialer.DialContext(ctx, network, addr)
	c.Conn, c.tick, c.last = conn, time.NewTicker(10*time.Millisecond), time.Now()
	return c, err
}

func (c *slowConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		<-c.tick.C
		passed := time.Since(c.last)
		c.held.Store(c.held.Load() || passed > readLimit/2)
		c.last, c.left = c.last.Add(passed), int(passed.Milliseconds())*1024
	}
	n, err := c.Conn.Read(p[:min(len(p), max(1, c.left))])
	c.left -= n
	return n, err
}

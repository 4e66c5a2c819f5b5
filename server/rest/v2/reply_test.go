package v2_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// Many clients open a connection for one request, and close it after they have read the reply: curl, PHP, Python's
// requests. Their reply counts as delivered.
func TestWhoClosesAfterTheReplyGotIt(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	const replies = 500
	s.Fill(replies)
	s.Instance(resttest.Automatic, "blobs")
	for i := range replies {
		conn, in := s.Dial()
		s.Write(conn, "GET %s/records?max_bytes=1 HTTP/1.1\r\nHost: %s\r\n\r\n", resttest.W1, s.Addr)
		text := bodyOf(s, in)
		_ = conn.Close()
		if want := fmt.Sprintf(`[{"topic":"blobs","key":null,"value":%d,"partition":0,"offset":%d,`, i, i); !strings.HasPrefix(text, want) {
			t.Fatalf("reply %d: %s", i, text)
		}
	}
}

// bodyOf reads a reply without checking it, which would take time.
func bodyOf(s *resttest.Sluice, in *bufio.Reader) string {
	s.T.Helper()
	got, err := http.ReadResponse(in, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return string(text)
}

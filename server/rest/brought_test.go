package rest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Many clients open a connection for one request, and close it as soon as they have the reply: curl, PHP, Python's
// requests. They got that reply.
func TestWhoClosesAfterTheReplyGotIt(t *testing.T) {
	s := start(t, Options{})
	const replies = 500
	s.fill(replies)
	s.instance(automatic, "blobs")
	for i := range replies {
		conn, in := s.dial()
		s.write(conn, "GET %s/records?max_bytes=1 HTTP/1.1\r\nHost: %s\r\n\r\n", w1, s.addr)
		text := s.bodyOf(in)
		_ = conn.Close()
		if want := fmt.Sprintf(`[{"topic":"blobs","key":null,"value":%d,"partition":0,"offset":%d,`, i, i); !strings.HasPrefix(text, want) {
			t.Fatalf("reply %d: %s", i, text)
		}
	}
}

// bodyOf reads a reply, and does not look at it as answered does: that takes time.
func (s *sluice) bodyOf(in *bufio.Reader) string {
	s.t.Helper()
	got, err := http.ReadResponse(in, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

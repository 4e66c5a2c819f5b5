package v2_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// A client has the whole reply a moment before sluice knows it. A commit over another connection covers that reply, too.
func TestACommitCoversAReplyThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	large := `"` + strings.Repeat("x", 900_000) + `"`
	for range 12 { // more than what the kernel holds for a connection, 4 MiB
		s.Put("blobs", 0, large)
	}
	s.Instance(`{"name":"w1","format":"json","auto.commit.enable":"false","fetch.min.bytes":"10000000"}`, "blobs")
	conn, replies := s.Dial()
	s.Write(conn, "GET %s/records?max_bytes=16000000 HTTP/1.1\r\nHost: localhost\r\n\r\n", resttest.W1)
	resttest.Eventually(t, "the reply", func() bool { _, replying := s.Door.V2.Requests(resttest.Billing); return replying })
	committed := make(chan string, 1)
	go func() {
		answer, text := s.Ask("POST", resttest.W1+"/offsets", "")
		committed <- fmt.Sprint(answer.StatusCode, " ", text)
	}()
	resttest.Eventually(t, "the commit", func() bool { n, _ := s.Door.V2.Requests(resttest.Billing); return n == 2 })
	reply, err := http.ReadResponse(replies, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var records []resttest.Got
	if err := json.NewDecoder(reply.Body).Decode(&records); err != nil || len(records) == 0 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if got := <-committed; got != "200 []" {
		t.Error(got)
	}
	s.WantCommitted(int64(len(records)))
	s.WantBooks()
}

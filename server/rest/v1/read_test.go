package v1_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/pages"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestAPieceOfAPartitionIsRead(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Stamped()
	first := `{"topic":"blobs","key":"k","value":{"a":1},"partition":0,"offset":0,"timestamp":1000,"headers":[{"key":"h","value":"YQ=="}],"key_encoding":"text"}`
	second := `{"topic":"blobs","key":null,"value":"/w==","partition":0,"offset":1,"timestamp":2000,"value_encoding":"base64"}`
	third := `{"topic":"blobs","key":null,"value":null,"partition":0,"offset":2,"timestamp":3000}`
	end := func(next int) string {
		return fmt.Sprintf(`,"next_offset":%d,"beginning_offset":0,"end_offset":3}`, next)
	}
	for _, c := range []struct{ query, want string }{
		{"", `{"records":[` + first + "," + second + "," + third + "]" + end(3)},
		{"?offset=earliest&max=1", `{"records":[` + first + "]" + end(1)},
		{"?offset=1&max_bytes=1", `{"records":[` + second + "]" + end(2)},
		{"?timestamp=2500", `{"records":[` + third + "]" + end(3)},
		{"?timestamp=1970-01-01T00:00:02.5Z", `{"records":[` + third + "]" + end(3)},
		{"?timestamp=9000", `{"records":[]` + end(3)},
		{"?offset=latest&wait=20ms", `{"records":[]` + end(3)},
		{"?offset=1&max=1&format=binary", `{"records":[` + strings.Replace(second, `,"value_encoding":"base64"`, "", 1) + "]" + end(2)},
	} {
		answer, text := s.Ask("GET", "/v1/topics/blobs/partitions/0/records"+c.query, "")
		if diff := cmp.Diff(c.want, text); diff != "" || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != exchange.JSONType {
			t.Errorf("%s: %d %v (-want +got):\n%s", c.query, answer.StatusCode, answer.Header, diff)
		}
	}
	if now := s.Door.Stats(); now.Held != 0 {
		t.Errorf("%d bytes are still held", now.Held)
	}
}

func TestReadsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxHeld: 2 << 20}})
	s.Stamped()
	for _, c := range []struct {
		path         string
		status, code int
		message      string
	}{
		{"/v1/topics/blobs/partitions/0/records?offset=4", 416, 416, "offset 4 of blobs:0: it holds 0 up to 3"},
		{"/v1/topics/blobs/partitions/1/records", 404, 40402, "Partition not found."},
		{"/v1/topics/blobs/partitions/x/records", 404, 404, "Not Found"},
		{"/v1/topics/nope/partitions/0/records", 404, 40401, "Topic not found."},
		{"/v1/topics/blobs/partitions/0/records?offset=-1", 422, 422, "neither a whole number"},
		{"/v1/topics/blobs/partitions/0/records?offset=1&timestamp=1", 422, 422, "give one"},
		{"/v1/topics/blobs/partitions/0/records?timestamp=soon", 422, 422, "timestamp"},
		{"/v1/topics/blobs/partitions/0/records?max=0", 422, 422, "max: "},
		{"/v1/topics/blobs/partitions/0/records?max_bytes=16777217", 422, 422, "max_bytes: "},
		{"/v1/topics/blobs/partitions/0/records?wait=11s", 422, 422, "wait: "},
		{"/v1/topics/blobs/partitions/0/records?format=avro", 422, 422, "format: "},
		{"/v1/topics/blobs/partitions/0/records?limit=1", 422, 422, "unknown parameter"},
		{"/v1/topics/blobs/partitions/0/records?max_bytes=4000000", 503, 50003, "too many large requests"},
	} {
		answer, text := s.Ask("GET", c.path, "")
		resttest.WantFailure(t, c.path, answer, text, c.status, c.code, c.message)
	}
	if now := s.Door.Stats(); now.Held != 0 {
		t.Errorf("%d bytes are still held", now.Held)
	}
}

func TestAReadWaitsAndADrainEndsIt(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	answers := make(chan string, 1)
	go func() {
		_, text := s.Ask("GET", "/v1/topics/blobs/partitions/0/records?wait=10s", "")
		answers <- text
	}()
	resttest.Eventually(t, "a read", func() bool { return s.Door.Stats().Held >= pages.DefaultBytes })
	s.Stamped()
	select {
	case text := <-answers:
		if !strings.Contains(text, `"offset":0`) {
			t.Error(text)
		}
	case <-time.After(resttest.Patience):
		t.Fatal("waited in vain")
	}
	go func() {
		answer, text := s.Ask("GET", "/v1/topics/blobs/partitions/0/records?offset=latest&wait=10s", "")
		answers <- fmt.Sprint(answer.StatusCode, text)
	}()
	resttest.Eventually(t, "a read", func() bool { return s.Door.Stats().Held >= pages.DefaultBytes })
	if n := s.Door.Drain(resttest.Within(t, resttest.Patience)); n != 0 {
		t.Errorf("%d cut", n)
	}
	if text := <-answers; !regexp.MustCompile(`^503\{"error_code":50003,`).MatchString(text) {
		t.Error(text)
	}
}

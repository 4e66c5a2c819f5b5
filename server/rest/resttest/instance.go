package resttest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// turn is one request of a conversation and its answer.
type turn struct {
	method, path, body string
	status             int
	want               string // the whole body; where it ends in * only its beginning
}

// Call makes a turn.
func Call(method, path, body string, status int, want string) turn {
	return turn{method, path, body, status, want}
}

// Talk holds a conversation.
func (s *Sluice) Talk(turns ...turn) {
	s.T.Helper()
	for _, c := range turns {
		answer, text := s.Ask(c.method, c.path, c.body)
		beginning, open := strings.CutSuffix(c.want, "*")
		if answer.StatusCode != c.status || !open && text != c.want || open && !strings.HasPrefix(text, beginning) {
			s.T.Errorf("%s %s %s\n got %d %s\nwant %d %s", c.method, c.path, c.body, answer.StatusCode, text, c.status, c.want)
		}
	}
}

// Instance makes the instance w1, subscribed to topics.
func (s *Sluice) Instance(config string, topics ...string) {
	s.T.Helper()
	list, _ := json.Marshal(topics)
	s.Talk(
		Call("POST", "/consumers/billing", config, 200, `{"instance_id":"w1","base_uri":"http://`+s.Addr+W1+`"}`),
		Call("POST", W1+"/subscription", `{"topics":`+string(list)+`}`, 204, ``),
	)
}

// Fill produces n records, the numbers from 0 on, into the one partition of blobs.
func (s *Sluice) Fill(n int) {
	s.T.Helper()
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "{\"value\":%d}\n", i)
	}
	answer, text := s.Ask("POST", "/v1/topics/blobs/records", body.String(), "Content-Type", exchange.NDJSONType)
	if answer.StatusCode != 200 || strings.Contains(text, "error") {
		s.T.Fatalf("%d %s", answer.StatusCode, text)
	}
}

// Got is a record of a reply.
type Got struct {
	Topic     string
	Value     json.RawMessage
	Partition int32
	Offset    int64
}

// Records asks an instance for records.
func (s *Sluice) Records(path string) []Got {
	s.T.Helper()
	answer, text := s.Ask("GET", path, "")
	var list []Got
	if err := json.Unmarshal([]byte(text), &list); answer.StatusCode != 200 || err != nil {
		s.T.Fatalf("%s: %d %s", path, answer.StatusCode, text)
	}
	return list
}

// WantOffsets checks which records came.
func WantOffsets(t *testing.T, list []Got, want ...int64) {
	t.Helper()
	var offsets []int64
	for _, r := range list {
		offsets = append(offsets, r.Offset)
	}
	if diff := cmp.Diff(want, offsets); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
}

// WantCommitted checks the committed offset of blobs.
func (s *Sluice) WantCommitted(at int64) {
	s.T.Helper()
	g := s.Cluster.GroupInfo("billing")
	if g == nil {
		s.T.Fatal("there is no group")
	}
	if commit, is := g.Commits["blobs"][0]; commit.Offset != at && (is || at != 0) {
		s.T.Errorf("committed %d, want %d", commit.Offset, at)
	}
}

// WantBooks checks that every lent record was settled, or is still lent.
func (s *Sluice) WantBooks() {
	s.T.Helper()
	for _, row := range s.Client.Consumed() {
		if row.Lent != row.Accepted+row.Released+row.Rejected+row.Leased {
			s.T.Errorf("the books do not balance: %+v", row)
		}
	}
}

var Billing = kafka.Identity{Group: "billing", Name: "w1"}

// W1 is the path of an instance of the group billing.
const W1 = "/consumers/billing/instances/w1"

const Manual = `{"name":"w1","format":"json","auto.commit.enable":"false"}`

const (
	Automatic = `{"name":"w1","format":"json","auto.commit.enable":true}`
)

// PartitionOfBlobs names the one partition of blobs.
const PartitionOfBlobs = `{"partitions":[{"topic":"blobs","partition":0}]}`

// Connected opens a connection. Its function sends a request and returns the status.
func (s *Sluice) Connected() func(line, body string) int {
	conn, in := s.Dial()
	return func(line, body string) int {
		s.Write(conn, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", line, len(body), body)
		answer, _ := s.Answered(in)
		return answer.StatusCode
	}
}

package v2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestAnInstanceOfChosenPartitions(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(5)
	s.Talk(
		resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `*`),
		resttest.Call("GET", resttest.W1+"/assignments", ``, 200, `{"partitions":[]}`),
		resttest.Call("POST", resttest.W1+"/assignments", `{"partitions":[{"topic":"blobs","partition":0},{"topic":"orders","partition":"1"}]}`, 204, ``),
		resttest.Call("POST", resttest.W1+"/assignments", resttest.PartitionOfBlobs, 204, ``),
		resttest.Call("GET", resttest.W1+"/assignments", ``, 200, resttest.PartitionOfBlobs),
		resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":[]}`),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1, 2, 3, 4)
	s.Talk(
		resttest.Call("POST", resttest.W1+"/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, 200, `[]`),
		resttest.Call("GET", resttest.W1+"/offsets", resttest.PartitionOfBlobs, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":3,"metadata":""}]}`),
		resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`),
	)
	s.WantCommitted(5)
	if n := len(s.Cluster.GroupInfo("billing").Members); n != 0 {
		t.Errorf("the group has %d members", n)
	}
	s.Talk(
		resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 409, `{"error_code":40903,*`),
		resttest.Call("DELETE", resttest.W1+"/subscription", ``, 204, ``),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``),
		resttest.Call("POST", resttest.W1+"/assignments", resttest.PartitionOfBlobs, 409, `{"error_code":40903,*`),
	)
	s.WantBooks()
}

// Offsets can be committed without reading: tests of other servers do so on empty topics.
func TestAnAssignedInstanceCommitsWhatItHasNotRead(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Talk(
		resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `*`),
		resttest.Call("POST", resttest.W1+"/assignments", resttest.PartitionOfBlobs, 204, ``),
		resttest.Call("POST", resttest.W1+"/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":0}]}`, 200, `[]`),
		resttest.Call("GET", resttest.W1+"/offsets", resttest.PartitionOfBlobs, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":1,"metadata":""}]}`),
		resttest.Call("POST", resttest.W1+"/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":1}]}`, 200, `[]`),
		resttest.Call("GET", resttest.W1+"/offsets", resttest.PartitionOfBlobs, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":2,"metadata":""}]}`),
	)
}

func TestPositionsAreSought(t *testing.T) {
	t.Parallel()
	for how, take := range map[string]func(s *resttest.Sluice){
		"subscribed": func(s *resttest.Sluice) {
			s.Talk(resttest.Call("POST", resttest.W1+"/subscription", `{"topics":["blobs"]}`, 204, ``))
		},
		"assigned": func(s *resttest.Sluice) {
			s.Talk(resttest.Call("POST", resttest.W1+"/assignments", resttest.PartitionOfBlobs, 204, ``))
		},
	} {
		t.Run(how, func(t *testing.T) {
			s := resttest.Start(t, exchange.Options{})
			for i := range 5 {
				s.Talk(resttest.Call(
					"POST", "/v1/topics/blobs/records?partition=0&timestamp="+fmt.Sprint(1_790_000_000_000+i*1000), fmt.Sprint(i), 200, `*`,
				))
			}
			s.Talk(resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `*`))
			take(s)
			s.Talk(resttest.Call("POST", resttest.W1+"/positions", `{"offsets":[{"topic":"blobs","partition":0,"offset":1},{"topic":"blobs","partition":0,"offset":3}]}`, 204, ``)) // at once
			resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 3, 4)
			s.Talk(resttest.Call("POST", resttest.W1+"/positions/beginning", resttest.PartitionOfBlobs, 204, ``))
			s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`)) // what came before the seek is forgotten
			if g := s.Cluster.GroupInfo("billing"); g != nil && len(g.Commits["blobs"]) > 0 {
				t.Errorf("committed: %v", g.Commits)
			}
			resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1, 2, 3, 4)
			s.Talk(resttest.Call("POST", resttest.W1+"/positions/end", resttest.PartitionOfBlobs, 204, ``))
			s.Talk(resttest.Call("POST", "/v1/topics/blobs/records", `5`, 200, `*`))
			resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 5)
			for _, at := range []string{`"2026-09-21T14:13:22Z"`, `"2026-09-21T16:13:21.5+0200"`, `"2026-09-21T14:13:22"`, `1790000002000`, `"1790000002000"`} {
				s.Talk(resttest.Call("POST", resttest.W1+"/positions", `{"timestamps":[{"topic":"blobs","partition":0,"timestamp":`+at+`}]}`, 204, ``))
				resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 2)
			}
			s.Talk(resttest.Call("POST", resttest.W1+"/positions", `{"offsets":[{"topic":"blobs","partition":0,"offset":0}],"timestamps":[{"topic":"blobs","partition":0,"timestamp":1790000002000}]}`, 204, ``))
			resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000&max_bytes=1"), 2)
			s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`))
			s.WantCommitted(3)
			s.WantBooks()
		})
	}
}

func TestSeekingEndsAPoll(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(1)
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	replies := make(chan []resttest.Got)
	go func() { replies <- s.Records(resttest.W1 + "/records?timeout=600000") }()
	resttest.Eventually(t, "the poll", func() bool { return polling(s) })
	s.Talk(resttest.Call("POST", resttest.W1+"/positions/beginning", resttest.PartitionOfBlobs, 204, ``))
	if list := <-replies; len(list) != 0 {
		t.Errorf("%v", list)
	}
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
}

func TestAssignmentsAndPositionsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(3)
	s.Instance(resttest.Manual, "blobs")
	const w2 = "/consumers/billing/instances/w2"
	s.Talk(
		resttest.Call("POST", "/consumers/billing", strings.Replace(resttest.Manual, "w1", "w2", 1), 200, `*`),
		resttest.Call("POST", w2+"/subscription", `{"topics":["blobs"]}`, 204, ``),
		resttest.Call("POST", "/consumers/billing", `{"name":"w3"}`, 200, `*`),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0, 1, 2)
	for _, c := range []struct {
		path, body   string
		status, code int
		message      string
	}{
		{resttest.W1 + "/positions", `{"offsets":[{"topic":"orders","partition":0,"offset":3}]}`, 409, 40903, "orders:0: not assigned here"},
		{resttest.W1 + "/positions/end", `{"partitions":[{"topic":"blobs","partition":1}]}`, 409, 40903, "blobs:1: not assigned here"},
		{w2 + "/positions/beginning", resttest.PartitionOfBlobs, 409, 40903, "blobs:0: not assigned here"}, // w1 is at work on it
		{resttest.W1 + "/positions", `{"timestamps":[{"topic":"blobs","partition":0,"timestamp":"yesterday"}]}`, 422, 422, "ISO 8601"},
		{resttest.W1 + "/positions", `{"timestamps":[{"topic":"blobs","partition":0}]}`, 422, 422, "timestamp"},
		{resttest.W1 + "/positions", `{"partitions":[]}`, 422, 422, "partitions"},
		{resttest.W1 + "/positions", ``, 422, 422, "the body is empty"},
		{resttest.W1 + "/positions/beginning", `{}`, 422, 422, "partitions"},
		{resttest.W1 + "/positions/end", `{}`, 422, 422, "partitions"},
		{"/consumers/billing/instances/w3/positions/end", resttest.PartitionOfBlobs, 409, 40903, "neither"},
		{"/consumers/billing/instances/w3/assignments", `{"partitions":[{"topic":"nope","partition":0}]}`, 404, 40401, "Topic"},
		{"/consumers/billing/instances/w3/assignments", `{"partitions":[{"topic":"blobs","partition":1}]}`, 404, 40402, "Partition"},
		{"/consumers/billing/instances/w3/assignments", `{"partitions":[{"topic":"blobs","partition":-1}]}`, 422, 422, "partition"},
		{"/consumers/billing/instances/w3/subscription", `{"topic_pattern":"("}`, 422, 422, "topic_pattern"},
		{"/consumers/billing/instances/w3/subscription", `{"topic_pattern":""}`, 422, 422, "empty"},
		{resttest.W1 + "/subscription", `{"topic_pattern":"b.*"}`, 409, 40903, "exclusive"},
	} {
		answer, text := s.Ask("POST", c.path, c.body)
		resttest.WantFailure(t, c.path+" "+c.body, answer, text, c.status, c.code, c.message)
	}
	s.Talk(resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`)) // undisturbed
	s.WantCommitted(3)
}

func TestAPatternFollowsTheTopics(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Fill(1)
	s.Talk(
		resttest.Call("POST", "/consumers/billing", resttest.Manual, 200, `*`),
		resttest.Call("POST", resttest.W1+"/subscription", `{"topic_pattern":"(b|o)lo\\w+"}`, 204, ``),
	)
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	s.Talk(
		resttest.Call("GET", resttest.W1+"/subscription", ``, 200, `{"topics":["blobs"]}`),
		resttest.Call("GET", resttest.W1+"/assignments", ``, 200, resttest.PartitionOfBlobs),
		resttest.Call("POST", resttest.W1+"/offsets", ``, 200, `[]`),
	)
	s.WantCommitted(1)
}

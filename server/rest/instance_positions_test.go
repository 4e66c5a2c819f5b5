package rest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// partitionOfBlobs names the one partition of blobs.
const partitionOfBlobs = `{"partitions":[{"topic":"blobs","partition":0}]}`

func TestAnInstanceOfChosenPartitions(t *testing.T) {
	s := start(t, Options{})
	s.fill(5)
	s.talk(
		turn{"POST", "/consumers/billing", manual, 200, `*`},
		turn{"GET", w1 + "/assignments", ``, 200, `{"partitions":[]}`},
		turn{"POST", w1 + "/assignments", `{"partitions":[{"topic":"blobs","partition":0},{"topic":"orders","partition":"1"}]}`, 204, ``},
		turn{"POST", w1 + "/assignments", partitionOfBlobs, 204, ``},
		turn{"GET", w1 + "/assignments", ``, 200, partitionOfBlobs},
		turn{"GET", w1 + "/subscription", ``, 200, `{"topics":[]}`},
	)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1, 2, 3, 4)
	s.talk(
		turn{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, 200, `[]`},
		turn{"GET", w1 + "/offsets", partitionOfBlobs, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":3,"metadata":""}]}`},
		turn{"POST", w1 + "/offsets", ``, 200, `[]`},
	)
	s.wantCommitted(5)
	if n := len(s.cluster.GroupInfo("billing").Members); n != 0 {
		t.Errorf("the group has %d members", n)
	}
	s.talk(
		turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 409, `{"error_code":40903,*`},
		turn{"DELETE", w1 + "/subscription", ``, 204, ``},
		turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 204, ``},
		turn{"POST", w1 + "/assignments", partitionOfBlobs, 409, `{"error_code":40903,*`},
	)
	s.wantBooks()
}

// What was never read can be committed too: tests of other servers do so on empty topics.
func TestAnAssignedInstanceCommitsWhatItHasNotRead(t *testing.T) {
	s := start(t, Options{})
	s.talk(
		turn{"POST", "/consumers/billing", manual, 200, `*`},
		turn{"POST", w1 + "/assignments", partitionOfBlobs, 204, ``},
		turn{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":0}]}`, 200, `[]`},
		turn{"GET", w1 + "/offsets", partitionOfBlobs, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":1,"metadata":""}]}`},
		turn{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":1}]}`, 200, `[]`},
		turn{"GET", w1 + "/offsets", partitionOfBlobs, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":2,"metadata":""}]}`},
	)
}

func TestPositionsAreSought(t *testing.T) {
	for how, take := range map[string]func(s *sluice){
		"subscribed": func(s *sluice) { s.talk(turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 204, ``}) },
		"assigned":   func(s *sluice) { s.talk(turn{"POST", w1 + "/assignments", partitionOfBlobs, 204, ``}) },
	} {
		t.Run(how, func(t *testing.T) {
			s := start(t, Options{})
			for i := range 5 {
				s.talk(turn{
					"POST", "/v1/topics/blobs/records?partition=0&timestamp=" + fmt.Sprint(1_790_000_000_000+i*1000), fmt.Sprint(i), 200, `*`,
				})
			}
			s.talk(turn{"POST", "/consumers/billing", manual, 200, `*`})
			take(s)
			s.talk(turn{"POST", w1 + "/positions", `{"offsets":[{"topic":"blobs","partition":0,"offset":3}]}`, 204, ``}) // at once
			wantOffsets(t, s.records(w1+"/records?timeout=10000"), 3, 4)
			s.talk(turn{"POST", w1 + "/positions/beginning", partitionOfBlobs, 204, ``})
			s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`}) // what came before the seek is forgotten
			if g := s.cluster.GroupInfo("billing"); g != nil && len(g.Commits["blobs"]) > 0 {
				t.Errorf("committed: %v", g.Commits)
			}
			wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1, 2, 3, 4)
			s.talk(turn{"POST", w1 + "/positions/end", partitionOfBlobs, 204, ``})
			s.talk(turn{"POST", "/v1/topics/blobs/records", `5`, 200, `*`})
			wantOffsets(t, s.records(w1+"/records?timeout=10000"), 5)
			for _, at := range []string{`"2026-09-21T14:13:22Z"`, `"2026-09-21T16:13:21.5+0200"`, `"2026-09-21T14:13:22"`, `1790000002000`, `"1790000002000"`} {
				s.talk(turn{"POST", w1 + "/positions", `{"timestamps":[{"topic":"blobs","partition":0,"timestamp":` + at + `}]}`, 204, ``})
				wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 2)
			}
			s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
			s.wantCommitted(3)
			s.wantBooks()
		})
	}
}

func TestSeekingEndsAPoll(t *testing.T) {
	s := start(t, Options{})
	s.fill(1)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	replies := make(chan []got)
	go func() { replies <- s.records(w1 + "/records?timeout=600000") }()
	eventually(t, "the poll", s.polling)
	s.talk(turn{"POST", w1 + "/positions/beginning", partitionOfBlobs, 204, ``})
	if list := <-replies; len(list) != 0 {
		t.Errorf("%v", list)
	}
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
}

func TestAssignmentsAndPositionsThatAreRefused(t *testing.T) {
	s := start(t, Options{})
	s.fill(3)
	s.instance(manual, "blobs")
	const w2 = "/consumers/billing/instances/w2"
	s.talk(
		turn{"POST", "/consumers/billing", strings.Replace(manual, "w1", "w2", 1), 200, `*`},
		turn{"POST", w2 + "/subscription", `{"topics":["blobs"]}`, 204, ``},
		turn{"POST", "/consumers/billing", `{"name":"w3"}`, 200, `*`},
	)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1, 2)
	for _, c := range []struct {
		path, body   string
		status, code int
		message      string
	}{
		{w1 + "/positions", `{"offsets":[{"topic":"orders","partition":0,"offset":3}]}`, 409, 40903, "orders:0: not assigned here"},
		{w1 + "/positions/end", `{"partitions":[{"topic":"blobs","partition":1}]}`, 409, 40903, "blobs:1: not assigned here"},
		{w2 + "/positions/beginning", partitionOfBlobs, 409, 40903, "blobs:0: not assigned here"}, // w1 is at work on it
		{w1 + "/positions", `{"timestamps":[{"topic":"blobs","partition":0,"timestamp":"yesterday"}]}`, 422, 422, "ISO 8601"},
		{w1 + "/positions", `{"timestamps":[{"topic":"blobs","partition":0}]}`, 422, 422, "timestamp"},
		{w1 + "/positions", `{"partitions":[]}`, 422, 422, "partitions"},
		{w1 + "/positions", ``, 400, 400, "byte"},
		{w1 + "/positions/beginning", `{}`, 422, 422, "partitions"},
		{w1 + "/positions/end", `{}`, 422, 422, "partitions"},
		{"/consumers/billing/instances/w3/positions/end", partitionOfBlobs, 409, 40903, "neither"},
		{"/consumers/billing/instances/w3/assignments", `{"partitions":[{"topic":"nope","partition":0}]}`, 404, 40401, "Topic"},
		{"/consumers/billing/instances/w3/assignments", `{"partitions":[{"topic":"blobs","partition":1}]}`, 404, 40402, "Partition"},
		{"/consumers/billing/instances/w3/assignments", `{"partitions":[{"topic":"blobs","partition":-1}]}`, 422, 422, "partition"},
		{"/consumers/billing/instances/w3/subscription", `{"topic_pattern":"("}`, 422, 422, "topic_pattern"},
		{"/consumers/billing/instances/w3/subscription", `{"topic_pattern":""}`, 422, 422, "empty"},
		{w1 + "/subscription", `{"topic_pattern":"b.*"}`, 409, 40903, "exclusive"},
	} {
		answer, text := s.ask("POST", c.path, c.body)
		wantFailure(t, c.path+" "+c.body, answer, text, c.status, c.code, c.message)
	}
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`}) // undisturbed
	s.wantCommitted(3)
}

func TestAPatternFollowsTheTopics(t *testing.T) {
	s := start(t, Options{})
	s.fill(1)
	s.talk(
		turn{"POST", "/consumers/billing", manual, 200, `*`},
		turn{"POST", w1 + "/subscription", `{"topic_pattern":"(b|o)lo\\w+"}`, 204, ``},
	)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	s.talk(
		turn{"GET", w1 + "/subscription", ``, 200, `{"topics":["blobs"]}`},
		turn{"GET", w1 + "/assignments", ``, 200, partitionOfBlobs},
		turn{"POST", w1 + "/offsets", ``, 200, `[]`},
	)
	s.wantCommitted(1)
}

func TestTimesAsISO8601HasThem(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, text := range []string{"2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "2026-01-02T04:04:05.000+0100", "2026-01-02T03:04:05", "1767323045000"} {
		if at, err := timeOf(text); err != nil || !at.Equal(want) {
			t.Errorf("%s: %v %v", text, at, err)
		}
	}
	for _, text := range []string{"", "now", "2026", "-5", "2026-13-01T00:00:00Z", "99999999999999999999"} {
		if at, err := timeOf(text); err == nil && text != "2026" {
			t.Errorf("%q: %v", text, at)
		}
	}
}

package rest

import (
	"encoding/json"
	"testing"

	"github.com/sluice-proxy/sluice/kafka"
)

// FuzzInstanceBodies reads what strangers send for instances: it is taken, or refused for a reason that is theirs. What
// is no JSON is never taken.
func FuzzInstanceBodies(f *testing.F) {
	for _, seed := range []string{
		manual, `{"topics":["a","b"]}`, `{"topic_pattern":"a.*"}`, partitionOfBlobs, `{"fetch.min.bytes":"-1"}`,
		`{"offsets":[{"topic":"a","partition":"1","offset":4611686018427387904,"metadata":{}}],"partitions":null}`,
		`{"timestamps":[{"topic":"a","partition":0,"timestamp":"2026-01-01T00:00:00Z"}]}`, `{"partitions":[[]]}`, "{\"name\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, bad := settingsOf(body)
		_, noWish := wishOf(body)
		places, _, noCommit := offsetsOf(body)
		_, noPartitions := partitionsOfBody(body)
		for i, err := range []error{bad, noWish, noCommit, noPartitions} {
			if err == nil && len(body) > 0 && !json.Valid(body) {
				t.Errorf("reader %d took %q", i, body)
			}
			if err != nil && asFailure(err).status/100 != 4 {
				t.Errorf("reader %d: %q: %v", i, body, asFailure(err))
			}
		}
		for _, p := range places {
			if noCommit == nil && (p.Offset < 1 || p.Partition < 0 || !legalTopic(p.Topic)) {
				t.Errorf("%q is %+v", body, p)
			}
		}
	})
}

func TestListsOfPartitionsAreBound(t *testing.T) {
	body := []byte(`{"partitions":[`)
	for range mostSpots + 1 {
		body = append(body, `{"topic":"a","partition":0},`...)
	}
	body = append(body[:len(body)-1], "]}"...)
	if _, err := partitionsOfBody(body); asFailure(err).status != 413 {
		t.Errorf("too many: %v", err)
	}
	list, err := partitionsOfBody([]byte(`{"partitions":[{"topic":"a","partition":0},{"topic":"a","partition":0}]}`))
	if err != nil || len(list) != 1 || list[0] != (kafka.TopicPartition{Topic: "a"}) {
		t.Errorf("one given twice: %v %v", list, err)
	}
}

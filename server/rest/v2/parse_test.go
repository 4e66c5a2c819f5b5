package v2

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// FuzzInstanceBodies reads arbitrary bodies. They must be accepted, or refused with 4xx. Text that is not JSON must be
// refused.
func FuzzInstanceBodies(f *testing.F) {
	for _, seed := range []string{
		`{"name":"w1","format":"json","auto.commit.enable":"false"}`, `{"topics":["a","b"]}`, `{"topic_pattern":"a.*"}`, `{"partitions":[{"topic":"blobs","partition":0}]}`, `{"fetch.min.bytes":"-1"}`,
		`{"offsets":[{"topic":"a","partition":"1","offset":4611686018427387904,"metadata":{}}],"partitions":null}`,
		`{"timestamps":[{"topic":"a","partition":0,"timestamp":"2026-01-01T00:00:00Z"}]}`, `{"partitions":[[]]}`, "{\"name\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, bad := settingsOf(body, 1)
		_, noWish := readSubscribeBody(body)
		commit, noCommit := commitOf(body, false)
		_, noPartitions := readPartitions(body)
		for i, err := range []error{bad, noWish, noCommit, noPartitions} {
			if err == nil && len(body) > 0 && !json.Valid(body) {
				t.Errorf("reader %d took %q", i, body)
			}
			if err != nil && exchange.AsFailure(err).Status/100 != 4 {
				t.Errorf("reader %d: %q: %v", i, body, exchange.AsFailure(err))
			}
		}
		for _, p := range commit.offsets {
			if noCommit == nil && (p.Offset < 0 || p.Partition < 0 || !kafka.ValidTopic(p.Topic)) {
				t.Errorf("%q is %+v", body, p)
			}
		}
	})
}

func TestListsOfPartitionsAreBound(t *testing.T) {
	t.Parallel()
	body := []byte(`{"partitions":[`)
	for range maxPartitions + 1 {
		body = append(body, `{"topic":"a","partition":0},`...)
	}
	body = append(body[:len(body)-1], "]}"...)
	if _, err := readPartitions(body); exchange.AsFailure(err).Status != 413 {
		t.Errorf("too many: %v", err)
	}
	list, err := readPartitions([]byte(`{"partitions":[{"topic":"a","partition":0},{"topic":"a","partition":0}]}`))
	if err != nil || len(list) != 1 || list[0] != (kafka.TopicPartition{Topic: "a"}) {
		t.Errorf("one given twice: %v %v", list, err)
	}
}

func TestEndingsAreRememberedButNotForEver(t *testing.T) {
	t.Parallel()
	all := newInstances(&exchange.Service{})
	for i := range rememberedEndings + 10 {
		all.remember(kafka.Identity{Group: "g", Name: fmt.Sprint(i % (rememberedEndings + 5))}, deleted)
	}
	if len(all.past) != rememberedEndings || len(all.order) != rememberedEndings {
		t.Errorf("%d and %d endings", len(all.past), len(all.order))
	}
}

func TestTimesAsISO8601HasThem(t *testing.T) {
	t.Parallel()
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

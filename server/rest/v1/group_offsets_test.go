package v1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// row is a group's offsets in one partition, as the answer has them.
func row(topic string, partition, begin int, committed string, end, lag int) string {
	return fmt.Sprintf(`{"topic":"%s","partition":%d,"beginning_offset":%d,"committed_offset":%s,"end_offset":%d,"lag":%d}`,
		topic, partition, begin, committed, end, lag)
}

func TestTheOffsetsOfAGroupAreSetAndRead(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Stamped()
	const path = "/v1/groups/fresh/offsets"
	answer, text := s.Ask("GET", path, "")
	resttest.WantFailure(t, "no group", answer, text, 404, 404, "Consumer group not found.")
	for _, c := range []struct{ body, want string }{
		{`{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, row("blobs", 0, 0, "2", 3, 1)},
		{`{"offsets":[{"topic":"blobs","to":"earliest"}]}`, row("blobs", 0, 0, "0", 3, 3)},
		{`{"offsets":[{"topic":"blobs","to":"latest"}]}`, row("blobs", 0, 0, "3", 3, 0)},
		{`{"offsets":[{"topic":"blobs","timestamp":1500}]}`, row("blobs", 0, 0, "1", 3, 2)},
		{
			`{"offsets":[{"topic":"blobs","timestamp":"1970-01-01T00:00:03Z"},{"topic":"orders","partition":1,"to":"latest"}]}`,
			row("blobs", 0, 0, "2", 3, 1) + "," + row("orders", 1, 0, "0", 0, 0),
		},
	} {
		answer, text := s.Ask("PUT", path, c.body, "Content-Type", exchange.JSONType)
		if diff := cmp.Diff(`{"group":"fresh","offsets":[`+c.want+`]}`, text); diff != "" || answer.StatusCode != 200 {
			t.Errorf("%s: %d (-want +got):\n%s", c.body, answer.StatusCode, diff)
		}
	}
	all := row("blobs", 0, 0, "2", 3, 1)
	for query, want := range map[string]string{
		"":                     `{"group":"fresh","state":"Empty","lag":1,"offsets":[` + all + "," + row("orders", 1, 0, "0", 0, 0) + `]}`,
		"?topics=blobs":        `{"group":"fresh","state":"Empty","lag":1,"offsets":[` + all + `]}`,
		"?topics=orders,blobs": `{"group":"fresh","state":"Empty","lag":1,"offsets":[` + all + "," + row("orders", 0, 0, "null", 0, 0) + "," + row("orders", 1, 0, "0", 0, 0) + "," + row("orders", 2, 0, "null", 0, 0) + `]}`,
	} {
		_, text := s.Ask("GET", path+query, "")
		if diff := cmp.Diff(want, text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestAGroupOfOthersIsReadAndNotMoved(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	m := s.V3Group()
	_, text := s.Ask("GET", "/v1/groups/billing/offsets", "")
	want := strings.TrimSuffix(row("blobs", 0, 0, "2", 5, 3), "}") + `,"member":"` + m + `"}`
	if diff := cmp.Diff(`{"group":"billing","state":"Stable","lag":3,"offsets":[`+want+`]}`, text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answer, text := s.Ask("PUT", "/v1/groups/billing/offsets", `{"offsets":[{"topic":"blobs","to":"earliest"}]}`)
	resttest.WantFailure(t, "others' group", answer, text, 409, 40903, "members that are not sluice's")
}

func TestACommitWithoutAnAnswerMayBeDone(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	release := make(chan struct{})
	s.Cluster.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.Cluster.SleepControl(func() { <-release })
		return nil, nil, false
	})
	answer, text := s.Ask("PUT", "/v1/groups/slow/offsets", `{"offsets":[{"topic":"blobs","to":"earliest"}]}`)
	close(release)
	resttest.WantFailure(t, "no answer", answer, text, 504, 50003, "it may have been done")
	resttest.Eventually(t, "the commit", func() bool {
		_, text := s.Ask("GET", "/v1/groups/slow/offsets", "")
		return strings.Contains(text, `"committed_offset":0`)
	})
}

// A group whose members are ours is moved. Records that its members hold become stale.
func TestAGroupOfOursIsMovedOverHTTP(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Stamped()
	take := func() string {
		_, text := s.Ask("GET", "/v1/groups/ours/messages?topics=blobs&max=1&wait=10s", "")
		return text
	}
	if text := take(); !strings.Contains(text, `"offset":0,`) {
		t.Fatal(text)
	}
	answer, text := s.Ask("PUT", "/v1/groups/ours/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`)
	if want := `{"group":"ours","offsets":[` + row("blobs", 0, 0, "2", 3, 1) + `]}`; answer.StatusCode != 200 || text != want {
		t.Fatalf("%d %s", answer.StatusCode, text)
	}
	if text := take(); !strings.Contains(text, `"offset":2,`) {
		t.Error(text)
	}
	answer, text = s.Ask("PUT", "/v1/groups/ours/offsets", `{"offsets":[{"topic":"orders","to":"earliest"}]}`)
	resttest.WantFailure(t, "a topic that is not read", answer, text, 409, 40903, "not assigned here")
}

func TestOffsetsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	entry := func(members string) string { return `{"offsets":[{"topic":"blobs",` + members + `}]}` }
	for _, c := range []struct {
		body         string
		status, code int
		message      string
	}{
		{``, 400, 400, "the body is empty"},
		{`{"offsets":[`, 400, 400, "invalid JSON"},
		{`{"offsets":[]}x`, 400, 400, "invalid JSON"},
		{`{"offsets":[]}`, 422, 422, "missing or empty"},
		{`[]`, 422, 422, "cannot unmarshal"},
		{`{"offset":1}`, 422, 422, `unknown field "offset"`},
		{entry(`"partition":0`), 422, 422, "one of"},
		{entry(`"partition":0,"offset":0,"to":"latest"`), 422, 422, "one of"},
		{entry(`"to":"somewhere"`), 422, 422, "neither earliest nor latest"},
		{entry(`"partition":0,"offset":-1`), 422, 422, "from 0 on"},
		{entry(`"partition":0,"offset":1`), 422, 422, "offset 1 of blobs:0: it holds 0 up to 0"},
		{entry(`"timestamp":"soon"`), 422, 422, "timestamp"},
		{entry(`"partition":-1,"offset":0`), 404, 40402, "Partition not found."},
		{entry(`"partition":1,"offset":0`), 404, 40402, "Partition not found."},
		{`{"offsets":[{"topic":"nope","to":"latest"}]}`, 404, 40401, "Topic not found."},
		{`{"offsets":[{"topic":"nope","partition":0,"offset":0}]}`, 404, 40401, "Topic not found."},
		{`{"offsets":[{"topic":"","to":"latest"}]}`, 404, 40401, "Topic not found."},
		{`{"offsets":[{"topic":"blobs","to":"latest"},{"topic":"blobs","partition":0,"to":"latest"}]}`, 422, 422, "blobs:0 is given more than once"},
		{`{"offsets":[` + strings.TrimSuffix(strings.Repeat(`{"topic":"blobs"},`, 1001), ",") + `]}`, 413, 413, "more than 1000"},
	} {
		answer, text := s.Ask("PUT", "/v1/groups/g/offsets", c.body, "Content-Type", exchange.JSONType)
		resttest.WantFailure(t, c.body[:min(60, len(c.body))], answer, text, c.status, c.code, c.message)
	}
	for _, path := range []string{
		"/v1/groups/g%00/offsets", "/v1/groups/g/offsets?topic=blobs", "/v1/groups/g/offsets?topics=" + strings.Repeat("a,", 100),
	} {
		answer, text := s.Ask("GET", path, "")
		resttest.WantFailure(t, path, answer, text, 422, 422, "")
	}
	answer, text := s.Ask("GET", "/v1/groups/g/offsets?topics=a%20b", "")
	resttest.WantFailure(t, "a topic that cannot be", answer, text, 404, 40401, "Topic not found.")
}

package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka"
)

// turn is one request of a conversation and its answer.
type turn struct {
	method, path, body string
	status             int
	want               string // the whole body; where it ends in * only its beginning
}

// talk holds a conversation.
func (s *sluice) talk(turns ...turn) {
	s.t.Helper()
	for _, c := range turns {
		answer, text := s.ask(c.method, c.path, c.body)
		beginning, open := strings.CutSuffix(c.want, "*")
		if answer.StatusCode != c.status || !open && text != c.want || open && !strings.HasPrefix(text, beginning) {
			s.t.Errorf("%s %s %s\n got %d %s\nwant %d %s", c.method, c.path, c.body, answer.StatusCode, text, c.status, c.want)
		}
	}
}

// w1 is the path of an instance of the group billing.
const w1 = "/consumers/billing/instances/w1"

// instance makes w1, subscribed to topics.
func (s *sluice) instance(config string, topics ...string) {
	s.t.Helper()
	list, _ := json.Marshal(topics)
	s.talk(
		turn{"POST", "/consumers/billing", config, 200, `{"instance_id":"w1","base_uri":"http://` + s.addr + w1 + `"}`},
		turn{"POST", w1 + "/subscription", `{"topics":` + string(list) + `}`, 204, ``},
	)
}

const (
	manual    = `{"name":"w1","format":"json","auto.commit.enable":"false"}`
	automatic = `{"name":"w1","format":"json","auto.commit.enable":true}`
)

// fill produces n records, the numbers from 0 on, into the one partition of blobs.
func (s *sluice) fill(n int) {
	s.t.Helper()
	var body strings.Builder
	for i := range n {
		fmt.Fprintf(&body, "{\"value\":%d}\n", i)
	}
	answer, text := s.ask("POST", "/v1/topics/blobs/records", body.String(), "Content-Type", ndjsonType)
	if answer.StatusCode != 200 || strings.Contains(text, "error") {
		s.t.Fatalf("%d %s", answer.StatusCode, text)
	}
}

// got is a record of a reply.
type got struct {
	Topic     string
	Value     json.RawMessage
	Partition int32
	Offset    int64
}

// records asks for records.
func (s *sluice) records(path string) []got {
	s.t.Helper()
	answer, text := s.ask("GET", path, "")
	var list []got
	if err := json.Unmarshal([]byte(text), &list); answer.StatusCode != 200 || err != nil {
		s.t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
	}
	return list
}

// wantOffsets checks which records came.
func wantOffsets(t *testing.T, list []got, want ...int64) {
	t.Helper()
	var offsets []int64
	for _, r := range list {
		offsets = append(offsets, r.Offset)
	}
	if diff := cmp.Diff(want, offsets); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
}

// wantCommitted checks what the brokers have for blobs, right now.
func (s *sluice) wantCommitted(at int64) {
	s.t.Helper()
	g := s.cluster.GroupInfo("billing")
	if g == nil {
		s.t.Fatal("there is no group")
	}
	if commit, is := g.Commits["blobs"][0]; commit.Offset != at && (is || at != 0) {
		s.t.Errorf("committed %d, want %d", commit.Offset, at)
	}
}

// wantBooks checks that every lent record has an end, or is still in somebody's hands.
func (s *sluice) wantBooks() {
	s.t.Helper()
	for _, row := range s.client.Consumed() {
		if row.Lent != row.Accepted+row.Released+row.Rejected+row.Leased {
			s.t.Errorf("the books do not balance: %+v", row)
		}
	}
}

func TestTheLifeOfAnInstance(t *testing.T) {
	s := start(t, Options{})
	s.talk(
		turn{"POST", "/topics/blobs/partitions/0", `{"records":[{"key":"ImMtMTci","value":"eyJza3UiOjl9","timestamp":1790000000000}]}`, 200, `*`},
		turn{"POST", "/consumers/billing", manual, 200, `{"instance_id":"w1","base_uri":"http://` + s.addr + w1 + `"}`},
		turn{"GET", w1 + "/subscription", ``, 200, `{"topics":[]}`},
		turn{"POST", w1 + "/subscription", `{"topics":["orders","blobs","blobs"]}`, 204, ``},
		turn{"GET", w1 + "/subscription", ``, 200, `{"topics":["blobs","orders"]}`},
		turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 204, ``},
		turn{
			"GET", w1 + "/records?timeout=10000", ``, 200,
			`[{"topic":"blobs","key":"c-17","value":{"sku":9},"partition":0,"offset":0,"timestamp":1790000000000}]`,
		},
		turn{"GET", w1 + "/offsets?topic=blobs&partition=0", ``, 200, `{"offsets":[]}`},
		turn{
			"GET", w1, ``, 200,
			`{"instance_id":"w1","format":"json","auto.commit.enable":false,"partitions":[{"topic":"blobs","partition":0}],"uncommitted":1,"expires_in_ms":29*`,
		},
		turn{"POST", w1 + "/offsets", ``, 200, `[]`},
		turn{"GET", w1 + "/offsets", `{"partitions":[{"topic":"blobs","partition":0}]}`, 200, `{"offsets":[{"topic":"blobs","partition":0,"offset":1,"metadata":""}]}`},
		turn{"GET", w1 + "/records?timeout=50", ``, 200, `[]`},
		turn{"POST", w1 + "/offsets", ``, 200, `[]`},
		turn{"DELETE", w1 + "/subscription", ``, 204, ``},
		turn{"GET", w1 + "/subscription", ``, 200, `{"topics":[]}`},
		turn{"DELETE", w1 + "/", ``, 204, ``},
		turn{"DELETE", w1, ``, 404, `{"error_code":40403,"message":"Consumer instance not found. It was deleted."}`},
		turn{"GET", w1 + "/records", ``, 404, `{"error_code":40403,"message":"Consumer instance not found. It was deleted."}`},
	)
	s.wantBooks()
}

func TestInstancesThatAreNotMade(t *testing.T) {
	s := start(t, Options{MaxInstances: 2})
	s.talk(turn{"POST", "/consumers/g", `{"id":"a"}`, 200, `{"instance_id":"a",*`})
	for _, c := range []struct {
		body         string
		status, code int
		message      string
	}{
		{`{"name":"a"}`, 409, 40902, "already exists"},
		{`{"name":"a","on.conflict":"error"}`, 409, 40902, "already exists"},
		{`{"names":"a"}`, 422, 42204, "names"},
		{`{"name":""}`, 422, 42204, "name"},
		{`{"name":"a/b"}`, 422, 42204, "slash"},
		{`{"name":"a\u0000"}`, 422, 42204, "control"},
		{`{"name":["a"]}`, 422, 42204, "name"},
		{`{"format":"avro"}`, 422, 42204, "format"},
		{`{"auto.commit.enable":"maybe"}`, 422, 42204, "auto.commit.enable"},
		{`{"auto.offset.reset":"sometimes"}`, 422, 42204, "auto.offset.reset"},
		{`{"fetch.min.bytes":"x"}`, 422, 42204, "fetch.min.bytes"},
		{`{"fetch.min.bytes":-2}`, 422, 42204, "fetch.min.bytes"},
		{`{"consumer.request.timeout.ms":0}`, 422, 42204, "consumer.request.timeout.ms"},
		{`{"consumer.request.timeout.ms":"600001"}`, 422, 42204, "consumer.request.timeout.ms"},
		{`{"on.conflict":"fight"}`, 422, 42204, "on.conflict"},
		{`[]`, 422, 422, "object"},
		{`{"name":"b"`, 400, 400, "byte"},
	} {
		answer, text := s.ask("POST", "/consumers/g", c.body)
		wantFailure(t, c.body, answer, text, c.status, c.code, c.message)
	}
	answer, text := s.ask("POST", "/consumers/"+strings.Repeat("g", 256), "")
	wantFailure(t, "a long name of a group", answer, text, 422, 422, "249")
	s.talk(turn{"POST", "/consumers/g", ``, 200, `{"instance_id":"rest-consumer-*`})
	answer, text = s.ask("POST", "/consumers/g", ``)
	wantFailure(t, "one too many", answer, text, 503, 50003, "http.max_instances")
	if answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestSettingsInAllTheirSpellings(t *testing.T) {
	s := start(t, Options{})
	for i, body := range []string{
		`{"id":"%d","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"true"}`,
		`{"name":"%d","format":"binary","auto.offset.reset":"latest","enable.auto.commit":false}`,
		`{"name":"%d","fetch.min.bytes":"100","consumer.request.timeout.ms":"1000"}`,
		`{"name":"%d","fetch.min.bytes":-1,"consumer.request.timeout.ms":1000,"isolation.level":"read_committed"}`,
		`{"name":"%d","format":null}`,
	} {
		name := fmt.Sprintf("%d", i)
		s.talk(
			turn{"POST", "/consumers/g", fmt.Sprintf(body, i), 200, `{"instance_id":"` + name + `","base_uri":"http://` + s.addr + `/consumers/g/instances/` + name + `"}`},
		)
	}
}

func TestTheBaseURIIsWhereTheClientAsked(t *testing.T) {
	s := start(t, Options{Hosts: []string{"kafka.example.org"}})
	_, text := s.ask("POST", "/consumers/a%20group", `{"name":"w 1"}`, "Host", "kafka.example.org:8082")
	if want := `{"instance_id":"w 1","base_uri":"http://kafka.example.org:8082/consumers/a%20group/instances/w%201"}`; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	s.talk(turn{"DELETE", "/consumers/a%20group/instances/w%201", ``, 204, ``})
}

func TestCallsOnInstancesThatAreRefused(t *testing.T) {
	s := start(t, Options{})
	s.talk(turn{"POST", "/consumers/billing", `{"name":"w1"}`, 200, `*`}) // binary
	for _, c := range []struct {
		method, path, body, accept string
		status, code               int
		message                    string
	}{
		{"GET", "/consumers/billing/instances/w2/records", ``, "", 404, 40403, "There never was one"},
		{"POST", "/consumers/other/instances/w1/offsets", ``, "", 404, 40403, "There never was one"},
		{"GET", w1 + "/records", ``, "", 409, 40903, "neither subscribed"},
		{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":1}]}`, "", 409, 40903, "neither subscribed"},
		{"GET", w1 + "/offsets?topic=blobs&partition=0", ``, "", 409, 40903, "neither subscribed"},
		{"GET", w1 + "/offsets", ``, "", 422, 422, "partitions"},
		{"GET", w1 + "/offsets", `{}`, "", 422, 422, "partitions"},
		{"GET", w1 + "/offsets", `{"partitions":[{"topic":"blobs"}]}`, "", 422, 422, "partition"},
		{"GET", w1 + "/offsets?topic=a/b&partition=0", ``, "", 422, 422, "partition"},
		{"POST", w1 + "/subscription", ``, "", 400, 400, "byte"},
		{"POST", w1 + "/subscription", `{}`, "", 422, 422, "topics"},
		{"POST", w1 + "/subscription", `{"topics":"blobs"}`, "", 422, 422, "list"},
		{"POST", w1 + "/subscription", `{"topics":[1]}`, "", 422, 422, "string"},
		{"POST", w1 + "/subscription", `{"topics":["a/b"]}`, "", 422, 422, "name of a topic"},
		{"POST", w1 + "/subscription", `{"topic":["a"]}`, "", 422, 422, "topic"},
		{"POST", w1 + "/subscription", `{"topics":["a"],"topic_pattern":"b"}`, "", 409, 40903, "mutually exclusive"},
		{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0}]}`, "", 422, 422, "offset"},
		{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":-1}]}`, "", 422, 422, "offset"},
		{"POST", w1 + "/offsets", `{"offset":[]}`, "", 422, 422, "offset"},
		{"POST", w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":9223372036854775807}]}`, "", 422, 422, "offset"},
		{"GET", w1 + "/records?timeout=soon", ``, "", 422, 422, "timeout"},
		{"GET", w1 + "/records?max_bytes=1.5", ``, "", 422, 422, "max_bytes"},
		{"GET", w1 + "/records", ``, kinds[jsonFormat], 406, 40601, "does not match"},
		{"GET", w1 + "/records", ``, "application/vnd.kafka.avro.v2+json; q=0.5, " + kinds[jsonFormat], 406, 40601, "does not match"},
		{"PUT", w1 + "/records", ``, "", 405, 405, "use GET"},
		{"GET", "/consumers/billing", ``, "", 405, 405, "use POST"},
	} {
		answer, text := s.ask(c.method, c.path, c.body, "Accept", c.accept)
		wantFailure(t, c.method+" "+c.path+" "+c.body, answer, text, c.status, c.code, c.message)
	}
	if answer, _ := s.ask("HEAD", w1+"/records", ""); answer.StatusCode != 405 {
		t.Errorf("HEAD: %d: it would take records", answer.StatusCode)
	}
}

func TestRecordsComeInTheFormatOfTheInstance(t *testing.T) {
	s := start(t, Options{})
	s.fill(1)
	s.instance(`{"name":"w1"}`, "blobs")
	s.records(w1 + "/records?timeout=10000")
	for accept, kind := range map[string]string{
		"": kinds[binaryFormat], "*/*": kinds[binaryFormat], v2Type: kinds[binaryFormat], kinds[binaryFormat]: kinds[binaryFormat],
		kinds[jsonFormat] + ", " + kinds[binaryFormat] + ";q=0.9": kinds[binaryFormat], jsonType: jsonType,
		kinds[jsonFormat] + ", */*;q=0.1": kinds[binaryFormat],
	} {
		answer, text := s.ask("GET", w1+"/records?timeout=1", "", "Accept", accept, "Content-Type", kinds[jsonFormat])
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != kind || text != "[]" {
			t.Errorf("Accept %q: %d %s as %s", accept, answer.StatusCode, text, answer.Header.Get("Content-Type"))
		}
	}
}

func TestAnEmptyCommitCoversWhatRepliesBrought(t *testing.T) {
	s := start(t, Options{})
	s.fill(5)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 0)
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 1)
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
	s.wantCommitted(2)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 2, 3, 4)
	s.wantCommitted(2)
	s.talk(
		turn{"DELETE", w1, ``, 204, ``},
		turn{"POST", "/consumers/billing", manual, 200, `*`},
		turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 204, ``},
	)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 2, 3, 4) // at once, from the memory
	s.talk(turn{"POST", w1 + "/offsets", `{}`, 200, `[]`})
	s.wantCommitted(5)
	s.wantBooks()
}

func TestOffsetsAreCommittedAsTheClientSays(t *testing.T) {
	s := start(t, Options{})
	s.fill(5)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1, 2, 3, 4)
	for _, c := range []struct {
		body string
		at   int64
	}{
		{`{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, 3},
		{`{"partitions":[{"topic":"blobs","partition":0,"offset":"3","metadata":"mine"}]}`, 4},
		{`{"offsets":[{"topic":"blobs","partition":0,"offset":0}]}`, 1},
		{`{"offsets":[]}`, 1},
		{`{"offsets":null}`, 5},
	} {
		s.talk(turn{"POST", w1 + "/offsets", c.body, 200, `[]`})
		s.wantCommitted(c.at)
	}
	answer, text := s.ask("POST", w1+"/offsets", `{"offsets":[{"topic":"orders","partition":0,"offset":2}]}`)
	wantFailure(t, "not subscribed to", answer, text, 409, 40903, "orders:0: not assigned here")
	s.talk(turn{"POST", w1 + "/offsets?async=true", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`, 200, `[]`})
	eventually(t, "the commit", func() bool { return s.cluster.GroupInfo("billing").Commits["blobs"][0].Offset == 3 })
}

func TestAutomaticCommitsCoverWhatCameBeforeTheLastReply(t *testing.T) {
	s := start(t, Options{})
	s.fill(3)
	s.instance(automatic, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 0)
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 1)
	committed := func() int64 { return s.cluster.GroupInfo("billing").Commits["blobs"][0].Offset }
	eventually(t, "the first commit", func() bool { return committed() == 1 })
	s.talk(
		turn{"DELETE", w1, ``, 204, ``},
		turn{"POST", "/consumers/billing", automatic, 200, `*`},
		turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 204, ``},
	)
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 1) // nobody said that it is done
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
	s.wantCommitted(2)
}

func TestALargeRecordComesThoughItIsMoreThanWasAskedFor(t *testing.T) {
	s := start(t, Options{})
	s.talk(turn{"POST", "/v1/topics/blobs/records", `"` + strings.Repeat("x", 100_000) + `"`, 200, `*`})
	s.instance(manual, "blobs")
	if list := s.records(w1 + "/records?timeout=10000&max_bytes=10"); len(list) != 1 || len(list[0].Value) != 100_002 {
		t.Errorf("%d records", len(list))
	}
}

func TestAReplyWaitsForItsLeastBytesUntilItsTimeIsOver(t *testing.T) {
	s := start(t, Options{})
	s.fill(10)
	s.instance(`{"name":"w1","format":"json","fetch.min.bytes":1000,"consumer.request.timeout.ms":300}`, "blobs")
	var all []got
	for began := time.Now(); len(all) < 10; {
		asked := time.Now()
		all = append(all, s.records(w1+"/records?timeout=60000")...)
		if took := time.Since(asked); took < 300*time.Millisecond {
			t.Errorf("a reply came after %v", took)
		}
		if time.Since(began) > patience {
			t.Fatal("the records do not come")
		}
	}
	if len(all) != 10 {
		t.Errorf("%d records", len(all))
	}
}

func TestTheFirstReplyWaitsForTheGroup(t *testing.T) {
	s := start(t, Options{})
	s.fill(1)
	s.instance(manual, "blobs")
	if n := len(s.records(w1 + "/records?timeout=15000")); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestALongPollEndsWithData(t *testing.T) {
	s := start(t, Options{})
	s.instance(manual, "blobs")
	s.records(w1 + "/records?timeout=1")
	replies := make(chan []got)
	go func() { replies <- s.records(w1 + "/records?timeout=15000") }()
	eventually(t, "the poll", s.polling)
	if n := s.door.Stats().Requests; n != 0 {
		t.Errorf("who waits counts as %d requests", n)
	}
	s.fill(1)
	select {
	case list := <-replies:
		wantOffsets(t, list, 0)
	case <-time.After(patience / 2):
		t.Error("nothing came")
	}
}

// polling tells whether somebody has the turn of w1.
func (s *sluice) polling() bool {
	in, err := s.door.v2.instances.find(billing)
	return err == nil && len(in.turn) == 1 && s.door.service.waiting.Load() > 0
}

var billing = kafka.Identity{Group: "billing", Name: "w1"}

func TestALongPollEndsWithTheInstance(t *testing.T) {
	s := start(t, Options{})
	s.instance(manual, "blobs")
	var polls sync.WaitGroup
	for range 2 { // the second waits for its turn
		polls.Go(func() {
			answer, text := s.ask("GET", w1+"/records?timeout=600000", "")
			wantFailure(t, "poll", answer, text, 404, 40403, "It was deleted")
		})
	}
	eventually(t, "the poll", s.polling)
	s.talk(turn{"DELETE", w1, ``, 204, ``})
	polls.Wait()
}

func TestALongPollEndsForAnotherSubscription(t *testing.T) {
	s := start(t, Options{})
	s.instance(manual, "orders")
	replies := make(chan []got)
	go func() { replies <- s.records(w1 + "/records?timeout=600000") }()
	eventually(t, "the poll", s.polling)
	s.fill(1)
	s.talk(turn{"POST", w1 + "/subscription", `{"topics":["blobs"]}`, 204, ``})
	if list := <-replies; len(list) != 0 {
		t.Errorf("%v", list)
	}
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
}

func TestWhatADeletedInstanceWasLentGoesToOthersAtOnce(t *testing.T) {
	s := start(t, Options{})
	s.fill(3)
	s.instance(manual, "blobs")
	const w2 = "/consumers/billing/instances/w2"
	s.talk(
		turn{"POST", "/consumers/billing", strings.Replace(manual, "w1", "w2", 1), 200, `*`},
		turn{"POST", w2 + "/subscription", `{"topics":["blobs"]}`, 204, ``},
	)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1, 2)
	if list := s.records(w2 + "/records?timeout=50"); len(list) != 0 {
		t.Errorf("another instance was lent %v", list)
	}
	answer, text := s.ask("POST", w2+"/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":2}]}`)
	wantFailure(t, "another's", answer, text, 409, 40903, "another member is at work on it")
	s.talk(turn{"DELETE", w1, ``, 204, ``})
	wantOffsets(t, s.records(w2+"/records?timeout=10000"), 0, 1, 2)
	s.talk(turn{"POST", w2 + "/offsets", ``, 200, `[]`})
	s.wantCommitted(3)
	s.wantBooks()
}

func TestAnIdleInstanceExpires(t *testing.T) {
	s := start(t, Options{InstanceIdle: 300 * time.Millisecond})
	s.fill(1)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	s.records(w1 + "/records?timeout=900") // keeps it alive
	eventually(t, "the end", func() bool { open, _ := s.door.v2.instances.count(); return open == 0 })
	s.talk(turn{"POST", w1 + "/offsets", ``, 404, `{"error_code":40403,"message":"Consumer instance not found. It expired after 300ms without a request."}`})
	if now := s.door.Stats(); now.Instances != 0 || now.InstancesEnded["expired"] != 1 {
		t.Errorf("%+v", now)
	}
	if n := s.client.Stats().Members; n != 0 {
		t.Errorf("%d members", n)
	}
	s.wantBooks()
}

func TestAWorkerThatStartedAgainTakesItsNameOver(t *testing.T) {
	s := start(t, Options{})
	s.fill(2)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1)
	poll := make(chan string)
	go func() {
		_, text := s.ask("GET", w1+"/records?timeout=600000", "")
		poll <- text
	}()
	eventually(t, "the poll", s.polling)
	generation := s.cluster.GroupInfo("billing").Epoch
	s.instance(strings.Replace(manual, `{`, `{"on.conflict":"takeover",`, 1), "blobs")
	if text := <-poll; !strings.Contains(text, "taken its name over") {
		t.Errorf("the old worker got %s", text)
	}
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0, 1)
	if now := s.cluster.GroupInfo("billing").Epoch; now != generation {
		t.Errorf("generation %d, was %d", now, generation)
	}
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
	s.wantCommitted(2)
	s.wantBooks()
}

// A reply that does not get through is put back in front: the next one brings the same records, and a commit
// between does not cover them.
func TestWhatCouldNotBeWrittenComesAgain(t *testing.T) {
	s := start(t, Options{})
	const n, size = 6, 900_000 // more than any socket's buffers take
	for range n {
		s.talk(turn{"POST", "/v1/topics/blobs/records", `"` + strings.Repeat("x", size) + `"`, 200, `*`})
	}
	s.instance(manual, "blobs")
	in, _ := s.door.v2.instances.find(billing)
	eventually(t, "all records to be there", func() bool { return s.client.Stats().Fetched == n })
	conn, reader := s.dial()
	s.write(conn, "GET %s/records?timeout=10000&max_bytes=16000000 HTTP/1.1\r\nHost: localhost\r\n\r\n", w1)
	if _, err := reader.ReadByte(); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	eventually(t, "the end of the reply", func() bool { return len(in.turn) == 0 })
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
	s.wantCommitted(0)
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=16000000"), 0, 1, 2, 3, 4, 5)
	if held := s.door.Stats().Held; held != 0 {
		t.Errorf("%d bytes are held", held)
	}
	s.wantBooks()
}

func TestWhoGoesAwayWhileWaitingLeavesNothingBehind(t *testing.T) {
	s := start(t, Options{})
	s.instance(manual, "blobs")
	conn, _ := s.dial()
	s.write(conn, "GET %s/records?timeout=600000 HTTP/1.1\r\nHost: localhost\r\n\r\n", w1)
	eventually(t, "the poll", s.polling)
	conn.Close()
	in, _ := s.door.v2.instances.find(billing)
	eventually(t, "the end of the poll", func() bool { return len(in.turn) == 0 })
	s.fill(1)
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	s.wantBooks()
}

func TestWhenSluiceStopsCommitsAndDeletesStillWork(t *testing.T) {
	s := start(t, Options{DrainGrace: time.Second})
	s.fill(2)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000&max_bytes=1"), 0)
	s.records(w1 + "/records?timeout=10000&max_bytes=1") // is not committed
	poll := make(chan *reply)
	go func() {
		answer, text := s.ask("GET", w1+"/records?timeout=600000", "")
		wantFailure(t, "the poll", answer, text, 503, 50003, "stopping")
		poll <- answer
	}()
	eventually(t, "the poll", s.polling)
	begun, in := s.dial() // keeps the drain waiting
	s.write(begun, halfAProduce)
	calls := []struct {
		line, body string
		status     int
	}{
		{"POST " + w1 + "/offsets", `{"offsets":[{"topic":"blobs","partition":0,"offset":0}]}`, 200},
		{"GET " + w1 + "/records", ``, 503},
		{"POST /consumers/billing", ``, 503},
		{"POST " + w1 + "/subscription", `{"topics":["orders"]}`, 503},
	}
	var clients []func(line, body string) int
	for range calls {
		clients = append(clients, s.connected())
	}
	eventually(t, "the connections", func() bool { return s.door.Stats().Connections >= 6 })
	drained := make(chan int)
	go func() { drained <- s.door.Drain(context.Background()) }()
	if answer := <-poll; answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for i, c := range calls {
		if status := clients[i](c.line, c.body); status != c.status {
			t.Errorf("%s: %d, want %d", c.line, status, c.status)
		}
	}
	s.write(begun, "}")
	s.answered(in)
	<-drained
	s.wantCommitted(1)
	if now := s.door.Stats(); now.Instances != 0 || now.InstancesEnded["stopped"] != 1 {
		t.Errorf("%+v", now)
	}
	if n := s.client.Stats().Members; n != 0 {
		t.Errorf("%d members", n)
	}
	s.wantBooks()
}

// Its client has no connection open: it comes back to commit.
func TestAStopWaitsForTheCommitOfWhoIsAtWork(t *testing.T) {
	s := start(t, Options{DrainGrace: patience})
	s.fill(1)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	s.http.CloseIdleConnections()
	drained := make(chan int)
	go func() { drained <- s.door.Drain(context.Background()) }()
	eventually(t, "the drain", s.door.service.isDraining)
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
	s.http.CloseIdleConnections()
	select {
	case <-drained:
	case <-time.After(patience / 2):
		t.Error("the drain waits for nothing")
	}
	s.wantCommitted(1)
}

// connected is a connection that asks later; its function returns the status.
func (s *sluice) connected() func(line, body string) int {
	conn, in := s.dial()
	return func(line, body string) int {
		s.write(conn, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", line, len(body), body)
		answer, _ := s.answered(in)
		return answer.StatusCode
	}
}

func TestEndingsAreRememberedButNotForEver(t *testing.T) {
	all := newInstances(&service{})
	for i := range rememberedEndings + 10 {
		all.remember(kafka.Identity{Group: "g", Name: fmt.Sprint(i % (rememberedEndings + 5))}, deleted)
	}
	if len(all.past) != rememberedEndings || len(all.order) != rememberedEndings {
		t.Errorf("%d and %d endings", len(all.past), len(all.order))
	}
}

// Requests for which nobody answers say so.
func TestACommitThatNobodyConfirmsIsNoSuccess(t *testing.T) {
	s := start(t, Options{})
	s.fill(1)
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	fault := s.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress, Count: 1})
	answer, text := s.ask("POST", w1+"/offsets", "")
	wantFailure(t, "commit", answer, text, 503, 50003, "rebalanced")
	fault.Remove()
	s.talk(turn{"POST", w1 + "/offsets", ``, 200, `[]`})
	s.wantCommitted(1)
}

func TestTwoInstancesShareThePartitionsOfATopic(t *testing.T) {
	s := start(t, Options{})
	for i := range 60 {
		s.talk(turn{"POST", fmt.Sprintf("/topics/orders/partitions/%d", i%3), `{"records":[{"value":""}]}`, http.StatusOK, `*`})
	}
	seen := make(chan string, 100)
	var workers sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		s.talk(
			turn{"POST", "/consumers/billing", `{"name":"` + name + `"}`, 200, `*`},
			turn{"POST", "/consumers/billing/instances/" + name + "/subscription", `{"topics":["orders"]}`, 204, ``},
		)
		workers.Go(func() {
			for len(seen) < 60 {
				for _, r := range s.records("/consumers/billing/instances/" + name + "/records?timeout=100&max_bytes=500") {
					seen <- fmt.Sprint(r.Partition, " ", r.Offset)
				}
				s.talk(turn{"POST", "/consumers/billing/instances/" + name + "/offsets", ``, 200, `[]`})
			}
		})
	}
	workers.Wait()
	close(seen)
	distinct := map[string]bool{}
	for r := range seen {
		distinct[r] = true
	}
	if len(distinct) != 60 {
		t.Errorf("%d of 60 records", len(distinct))
	}
	for p := range int32(3) {
		if at := s.cluster.GroupInfo("billing").Commits["orders"][p].Offset; at != 20 {
			t.Errorf("partition %d: committed %d", p, at)
		}
	}
	s.wantBooks()
}

// A client that subscribes anew, or to a pattern, must not wait for Kafka to miss who it was before.
func TestAnotherSubscriptionIsServedSoon(t *testing.T) {
	s := start(t, Options{})
	s.fill(1)
	s.instance(manual, "orders")
	s.records(w1 + "/records?timeout=300")
	s.talk(
		turn{"DELETE", w1 + "/subscription", ``, 204, ``},
		turn{"POST", w1 + "/subscription", `{"topic_pattern":"blo.*"}`, 204, ``},
		turn{"GET", w1 + "/subscription", ``, 200, `{"topics":["blobs"]}`},
	)
	began := time.Now()
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

package v1_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// withLetters is a policy with a dead-letter topic, and short waits.
func withLetters(retries int) kafka.Policy {
	return kafka.Policy{Backoff: time.Millisecond, MaxBackoff: time.Millisecond, MaxRetries: retries, DeadLetter: kafka.DeadLetter{Auto: true}}
}

// header is the value of a record's header; empty for none.
func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// wantLetter checks the headers of a dead letter: names and values.
func wantLetter(t *testing.T, r *kgo.Record, value string, headers ...string) {
	t.Helper()
	if string(r.Value) != value {
		t.Errorf("the value is %q, want %q", r.Value, value)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if got := header(r, headers[i]); got != headers[i+1] {
			t.Errorf("%s is %q, want %q", headers[i], got, headers[i+1])
		}
	}
}

// committed waits until a group has committed the offset of blobs:0.
func committed(t *testing.T, s *resttest.Sluice, group string, offset int64) {
	t.Helper()
	resttest.Eventually(t, fmt.Sprintf("%s committed %d", group, offset), func() bool {
		g := s.Cluster.GroupInfo(group)
		return g != nil && g.Commits["blobs"][0].Offset == offset
	})
}

func TestARejectedRecordIsADeadLetter(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Policy(withLetters(3))
	s.Put("blobs", 0, resttest.Numbers(3)...)
	got := s.Take("a", resttest.All)
	said := s.Settle("a", `{"reject":[{"lease":"`+got[0].Lease+`","class":"BadSku","message":"no sku 9","backtrace":"a.rb:1"},
		{"lease":"`+got[1].Lease+`","reason":"bad"},"`+got[1].Lease+`"],"ack":["`+got[2].Lease+`"]}`)
	if said != `{"accepted":1,"released":0,"rejected":2,"renewed":0,"stale":1}` {
		t.Error(said)
	}
	letters := s.Read("dlq.blobs.a", 2)
	slices.SortFunc(letters, func(a, b *kgo.Record) int { return strings.Compare(string(a.Value), string(b.Value)) })
	wantLetter(t, letters[0], "0", "dlq-reason", "rejected", "dlq-error-class", "BadSku", "__dlq.errors.message", "no sku 9",
		"dlq-error-backtrace", "a.rb:1", "source_offset", "0", "source_attempts", "1")
	wantLetter(t, letters[1], "1", "dlq-reason", "rejected", "__dlq.errors.message", "bad", "source_offset", "1")
	committed(t, s, "a", 3)
	s.Balanced()
}

func TestARecordIsGivenUpAfterItsRetries(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Policy(withLetters(2))
	s.Put("blobs", 0, `0`)
	for attempt := 1; attempt <= 3; attempt++ {
		got := s.Take("a", resttest.All)
		if len(got) != 1 || got[0].Delivery != attempt {
			t.Fatalf("attempt %d: %+v", attempt, got)
		}
		said := s.Settle("a", `{"release":[{"lease":"`+got[0].Lease+`","class":"Timeout","message":"lock wait"}]}`)
		if said != resttest.Tallied(0, 1, 0, 0) {
			t.Error(said)
		}
	}
	wantLetter(t, s.Read("dlq.blobs.a", 1)[0], "0", "dlq-reason", "retries_exhausted", "dlq-error-class", "Timeout", "source_attempts", "3")
	committed(t, s, "a", 1)
}

func TestALeaseThatEndsIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	s.Policy(withLetters(1))
	s.Put("blobs", 0, `0`)
	for attempt := 1; attempt <= 2; attempt++ {
		got := s.Take("a", resttest.All+"&ack_timeout=30s")
		if len(got) != 1 || got[0].Delivery != attempt {
			t.Fatalf("attempt %d: %+v", attempt, got)
		}
		c.Forward(31 * time.Second)
	}
	wantLetter(t, s.Read("dlq.blobs.a", 1)[0], "0", "dlq-reason", "lease_expired", "dlq-error-class", "LeaseExpired",
		"__dlq.errors.message", "not settled within 30s", "source_attempts", "2")
	committed(t, s, "a", 1)
	s.Balanced()
}

// Of a stream that hangs up, again and again, only the oldest record is under suspicion.
func TestARecordThatKillsItsWorkersIsGivenUp(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	p := withLetters(9)
	p.MaxDeliveries = 3
	s.Policy(p)
	s.Put("blobs", 0, resttest.Numbers(2)...)
	for range 3 {
		l := listen(s, "a", "topics=blobs", exchange.NDJSONType)
		if got := l.record(); got.Offset != 0 {
			t.Fatalf("%+v", got)
		}
		l.stop()
		resttest.Eventually(t, "the end of the stream", func() bool { return s.Leased() == 0 })
	}
	wantLetter(t, s.Read("dlq.blobs.a", 1)[0], "0", "dlq-reason", "crash_loop", "source_attempts", "3")
	if got := s.Take("a", resttest.All); len(got) != 1 || got[0].Offset != 1 || got[0].Delivery != 1 {
		t.Errorf("%+v", got)
	}
}

// What is not written in time is told apart, and settled as soon as it is written.
func TestALetterThatIsNotWritten(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Policy(withLetters(3))
	s.Put("blobs", 0, resttest.Numbers(2)...)
	got := s.Take("a", resttest.All+"&max=1")
	var refuse atomic.Bool
	refuse.Store(true)
	s.Cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if !refuse.Load() {
			return nil, nil, false
		}
		s.Cluster.KeepControl()
		return refusedProduce(r.(*kmsg.ProduceRequest)), nil, true
	})
	said := s.Settle("a", `{"reject":["`+got[0].Lease+`"]}`)
	if said != `{"accepted":0,"released":0,"rejected":0,"pending":1,"renewed":0,"stale":0}` {
		t.Error(said)
	}
	answer, text := s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "")
	resttest.WantFailure(t, "the partition waits", answer, text, 503, 50003, "dead letter not written: blobs:0:0 to dlq.blobs.a: ")
	refuse.Store(false)
	wantLetter(t, s.Read("dlq.blobs.a", 1)[0], "0", "dlq-reason", "rejected")
	committed(t, s, "a", 1)
}

// refusedProduce is the answer of a broker whose topic takes nothing.
func refusedProduce(r *kmsg.ProduceRequest) *kmsg.ProduceResponse {
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range r.Topics {
		out := kmsg.NewProduceResponseTopic()
		out.Topic, out.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.ErrorCode = p.Partition, kerr.TopicAuthorizationFailed.Code
			out.Partitions = append(out.Partitions, part)
		}
		answer.Topics = append(answer.Topics, out)
	}
	return answer
}

func TestNothingIsTakenWithoutAPlaceForDeadLetters(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	compact := "compact"
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "dlq.blobs.a", 1, 1
	topic.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "cleanup.policy", Value: &compact}}
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = append(create.Topics, topic)
	admin, err := kgo.NewClient(kgo.SeedBrokers(s.Cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := create.RequestWith(resttest.Within(t, resttest.Patience), admin); err != nil {
		t.Fatal(err)
	}
	s.Policy(withLetters(3))
	s.Put("blobs", 0, `0`)
	answer, text := s.Ask("GET", "/v1/groups/a/messages?"+resttest.All, "")
	resttest.WantFailure(t, "compacted", answer, text, 409, 409, "dead-letter topic dlq.blobs.a cannot be used: it is compacted")
}

func TestReportsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	s.Policy(withLetters(3))
	s.Put("blobs", 0, `0`)
	got := s.Take("a", resttest.All)
	lease := `"lease":"` + got[0].Lease + `"`
	for body, message := range map[string]string{
		`{"reject":[{` + lease + `,"class":7}]}`:                                        "class: 7 is not a text",
		`{"reject":[{` + lease + `,"class":"` + strings.Repeat("c", 257) + `"}]}`:       "class: 257 bytes are more than 256",
		`{"release":[{` + lease + `,"message":"` + strings.Repeat("m", 4097) + `"}]}`:   "message: 4097 bytes are more than 4096",
		`{"release":[{` + lease + `,"backtrace":["a"]}]}`:                               "backtrace:",
		`{"release":[{` + lease + `,"reason":"a"}]}`:                                    "Unrecognized field: reason",
		`{"reject":[{` + lease + `,"delay_ms":1}]}`:                                     "Unrecognized field: delay_ms",
		`{"ack":[{` + lease + `,"class":"E"}]}`:                                         "Unrecognized field: class",
		`{"reject":["` + got[0].Lease + `"],"release":[{` + lease + `,"delay_ms":-1}]}`: "delay_ms: -1 is not a number from 0 to 86400000",
	} {
		answer, text := s.Ask("POST", "/v1/groups/a/acks", body)
		resttest.WantFailure(t, body[:min(100, len(body))], answer, text, 422, 422, message)
	}
	if said := s.Settle("a", `{"ack":`+resttest.LeasesOf(got)+`}`); said != resttest.Tallied(1, 0, 0, 0) { // nothing was done
		t.Error(said)
	}
}

func TestThePolicySaysHowLongRecordsAreLent(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	p := withLetters(3)
	p.Lease = 10 * time.Second
	s.Policy(p)
	s.Put("blobs", 0, `0`)
	if got := s.Take("a", resttest.All); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	c.Forward(11 * time.Second) // a minute without the policy
	if got := s.Take("a", resttest.All+"&ack_timeout=10s"); len(got) != 1 || got[0].Delivery != 2 {
		t.Errorf("%+v", got)
	}
	answer, text := s.Ask("GET", "/v1/groups/a/messages?topics=blobs&ack_timeout=20s", "")
	resttest.WantFailure(t, "another", answer, text, 422, 422, "ack_timeout: the policy of group a and topic blobs lends records for 10s, and lets no client choose")
	p.Overrides = []string{"lease"}
	s.Policy(p)
	if got := s.Take("a", "topics=blobs&wait=0s&ack_timeout=20s"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTakesMaySayWhoGetsWhat(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	p := withLetters(3)
	p.Overrides = []string{"max_retries"}
	s.Policy(p)
	s.Put("blobs", 0, resttest.Numbers(2)...)
	got := s.Take("a", resttest.All+"&dispatch=shared&sluice.max_retries=0&max=1")
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	if other := s.Take("a", resttest.All); len(other) != 1 || other[0].Offset != 1 { // it takes the group's dispatch
		t.Errorf("%+v", other)
	}
	s.Settle("a", `{"release":["`+got[0].Lease+`"]}`) // there are no retries
	wantLetter(t, s.Read("dlq.blobs.a", 1)[0], "0", "dlq-reason", "retries_exhausted")
	for _, c := range []struct {
		query   string
		status  int
		message string
	}{
		{"dispatch=fair", 422, `dispatch: "fair" is not one of ordered, keyed, shared`},
		{"dispatch=keyed&sluice.dispatch=shared", 422, "twice"},
		{"dispatch=ordered", 409, "group a is dispatched shared on this sluice for its other clients, not ordered"},
		{"sluice.max_retries=x", 422, `sluice.max_retries="x" is not a number`},
		{"sluice.backoff=1h", 422, "sluice.backoff: the policy of group a and topic blobs lets no client set it"},
		{"sluice.rate=1", 422, "policies may let clients set sluice.backoff, sluice.dispatch"},
	} {
		answer, text := s.Ask("GET", "/v1/groups/a/messages?topics=blobs&wait=0s&"+c.query, "")
		resttest.WantFailure(t, c.query, answer, text, c.status, c.status, c.message)
	}
}

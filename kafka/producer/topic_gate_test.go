package producer

import (
	"errors"
	"strings"
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestAnUnknownTopicIsRefusedSoonAndComesBack(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	// These are the words of the look-up: librdkafka's own, after seconds, are others.
	first := p.deliver(t, "nowhere", []byte("x"))
	if wantOutcome(t, first, record.Rejected); !strings.Contains(first.Reason, "the brokers do not create topics") {
		t.Errorf("refused as %q", first.Reason)
	}
	var refused *Error
	if err := p.Deliver([]byte("nowhere"), nil, []byte("x")); !errors.As(err, &refused) || refused.Outcome != record.Rejected {
		t.Errorf("the second record was not refused at once: %v", err)
	}
	if err := k.CreateTopic("nowhere", 1, nil); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the topic that was created", func() bool { return p.deliver(t, "nowhere", []byte("x")) == nil })
	if p.Pending() != 0 {
		t.Errorf("%d pending", p.Pending())
	}
}

func TestTheFirstRecordCreatesATopicWhereBrokersDoSo(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	ps := openOn(t, k.ListenAddrs(), nil)
	wantOutcome(t, newCaller(t, ps).deliver(t, "fresh", []byte("x")), record.OK)
	allEnded(t, ps, 1)
}

func TestRecordsOfATopicStayInOrderThroughTheGate(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	const n = 500
	for i := range n {
		if err := p.Deliver([]byte("letters"), nil, []byte{byte(i >> 8), byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if failure := p.outcomes(t, n); failure != nil {
		t.Fatal(failure)
	}
	for i, r := range kafkatest.Read(t, k, "letters", n) {
		if got := int(r.Value[0])<<8 | int(r.Value[1]); got != i {
			t.Fatalf("record %d at offset %d", got, i)
		}
	}
}

func TestNobodyWritesToTopicsOfKafkasOwn(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	for _, name := range []string{"__consumer_offsets", "__transaction_state", "__share_group_state"} {
		wantOutcome(t, p.deliver(t, name, []byte("x")), record.Rejected)
		if k.TopicInfo(name) != nil {
			t.Errorf("%s was made", name)
		}
	}
}

func TestTheNumberOfTopicsIsBounded(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.AllowAutoTopicCreation())
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Produce.MaxTopics = 2 })
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "one", []byte("x")), record.OK)
	wantOutcome(t, p.deliver(t, "two", []byte("x")), record.OK)
	failure := p.deliver(t, "three", []byte("x"))
	wantOutcome(t, failure, record.Rejected)
	if !strings.Contains(failure.Reason, "produce.max_topics") {
		t.Errorf("%q does not name the setting", failure.Reason)
	}
	wantOutcome(t, p.deliver(t, "one", []byte("x")), record.OK)
}

// While it is known that the brokers deny a topic, its records are refused at once. Once they are allowed, they pass.
func TestADeniedTopicIsRefusedSoonAndComesBack(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters", "secrets"))
	ps := openOn(t, k.ListenAddrs(), nil)
	denied := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "secrets", Err: wireerr.TopicAuthorizationFailed, Count: -1})
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "secrets", []byte("x")), record.Rejected)
	for _, send := range []func(topic, key, value []byte) error{p.Deliver, p.Buffer} {
		var refused *Error
		err := send([]byte("secrets"), nil, []byte("x"))
		if !errors.As(err, &refused) || refused.Outcome != record.Rejected || !errors.Is(err, kerr.ErrDenied) ||
			err.Error() != "rejected: topic secrets: Broker: Topic authorization failed" {
			t.Errorf("the second record was not refused at once: %v", err)
		}
	}
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	denied.Remove()
	kafkatest.Eventually(t, "the right", func() bool { return p.deliver(t, "secrets", []byte("x")) == nil })
}

// A topic that sluice itself creates is usable at once, although it was refused a moment ago. One that it deletes is
// refused.
func TestATopicThatWasCreatedHereIsUsableAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "fresh", []byte("x")), record.Rejected)
	if _, err := ps.cluster.CreateTopic(t.Context(), cluster.NewTopic{Name: "fresh", Partitions: 1, Replicas: 1}); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.deliver(t, "fresh", []byte("x")), record.OK)
	beyond := Outgoing{Topic: "fresh", Partition: 1, Value: []byte("x")}
	wantOutcome(t, p.send(t, beyond).Err, record.Rejected)
	if _, err := ps.cluster.AddPartitions(t.Context(), "fresh", 2); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.send(t, beyond).Err, record.OK)
	if err := ps.cluster.DeleteTopic(t.Context(), "fresh"); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, p.deliver(t, "fresh", []byte("x")), record.Rejected)
}

// The brokers may have said that a topic is missing just before sluice created it.
func TestAnAnswerThatIsOlderThanTheTopic(t *testing.T) {
	t.Parallel()
	ps := openOn(t, kafkatest.Brokers(t).ListenAddrs(), nil)
	entry, err := ps.topics.find([]byte("fresh"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ps.cluster.CreateTopic(t.Context(), cluster.NewTopic{Name: "fresh", Partitions: 1, Replicas: 1}); err != nil {
		t.Fatal(err)
	}
	entry.refuse(ps)
	wantOutcome(t, newCaller(t, ps).deliver(t, "fresh", []byte("x")), record.OK)
}

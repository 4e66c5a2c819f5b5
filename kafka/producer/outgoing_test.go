package producer

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// numbered is the i-th of the records that are sent all over the place.
func numbered(i, partitions int) Outgoing {
	out := Outgoing{
		Topic: "letters", Partition: int32(rand.IntN(partitions)), Timestamp: 1_700_000_000_000 + int64(i),
		Headers: []record.Header{header("number", fmt.Append(nil, i)), header("null", nil), header("number", []byte{})},
	}
	if i%3 > 0 {
		out.Value = fmt.Append([]byte{}, i)
	}
	if i%5 > 0 {
		out.Key = []byte("key")
	}
	return out
}

// Every record comes back from where its result says that it is, with all that it had, also those that
// waited at the gate; and the results are in the order of the calls.
func TestResultsSayWhereEachRecordIs(t *testing.T) {
	t.Parallel()
	const n, partitions = 2000, 5
	k := kafkatest.Brokers(t, kfake.SeedTopics(partitions, "letters"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Producer = config.Properties{"linger.ms": "1"} })
	p := newCaller(t, ps)
	want, bytes := map[record.TopicPartition][]record.Record{}, int64(0)
	for from := 0; from < n; from += n / 4 {
		var batch []Outgoing
		for i := range n / 4 {
			out := numbered(from+i, partitions)
			if err := p.Send(out); err != nil {
				t.Fatal(err)
			}
			batch = append(batch, out)
			bytes += int64(len(out.Key) + len(out.Value))
		}
		for i, r := range p.results(t, len(batch)) {
			out := batch[i]
			tp := record.TopicPartition{Topic: out.Topic, Partition: out.Partition}
			if r != (Result{Partition: out.Partition, Offset: int64(len(want[tp])), Timestamp: out.Timestamp}) {
				t.Fatalf("record %d to %v ended as %+v", from+i, tp, r)
			}
			want[tp] = append(want[tp], record.Record{TopicPartition: tp, Offset: r.Offset, Timestamp: out.Timestamp, Key: out.Key, Value: out.Value, Headers: out.Headers})
		}
	}
	wantProduced(t, ps, TopicCounts{Topic: "letters", Accepted: n, Bytes: bytes, Ended: [4]int64{record.OK: n}})
	allEnded(t, ps, n)
	if diff := cmp.Diff(want, readBack(t, k, n)); diff != "" {
		t.Errorf("what was sent and what is there (-want +got):\n%s", diff)
	}
}

func sameFailure(a, b *Error) bool { return a == b || a != nil && b != nil && *a == *b }

// Results that fail stand among those that do not, each in its place.
func TestAFailureIsItsOwnRecords(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	missing := &Error{Outcome: record.Rejected, Topic: "letters", Reason: "it has no partition 2", Cause: kerr.ErrNoPartition}
	for round := range int64(2) { // the first through the gate
		for i := range int32(9) {
			err := p.Send(Outgoing{Topic: "letters", Partition: i % 3, Timestamp: 7, Headers: []record.Header{header("a", nil)}})
			if err != nil {
				t.Errorf("round %d, record %d: %v", round, i, err)
			}
		}
		var want []Result
		for i := range int64(9) {
			result := Result{int32(i % 3), round*3 + i/3, 7, nil}
			if i%3 == 2 {
				result = Result{2, -1, -1, missing}
			}
			want = append(want, result)
		}
		if diff := cmp.Diff(want, p.results(t, 9), cmp.Comparer(sameFailure)); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", round, diff)
		}
	}
	allEnded(t, ps, 18)
}

// Who does not wait for reports is told at once what is known by then.
func TestABufferedRecordOfAMissingPartitionIsRefused(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	if err := p.SendBuffered(Outgoing{Topic: "letters", Partition: 1}); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "its end", func() bool { return p.Drained(0) })
	var err error
	kafkatest.Eventually(t, "that the brokers were asked", func() bool {
		err = p.SendBuffered(Outgoing{Topic: "letters", Partition: 2})
		return !errors.Is(err, kerr.ErrFull)
	})
	if failure := asProduceError(err, ""); failure.Outcome != record.Rejected || !errors.Is(err, kerr.ErrNoPartition) {
		t.Error(err)
	}
}

func TestWhatCannotBeSentIsRejected(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	for _, tt := range []struct {
		name      string
		out       Outgoing
		partition int32
		want      string
	}{
		{"no partition", Outgoing{Topic: "letters", Partition: -2}, AnyPartition, "rejected: topic letters: it has no partition -2"},
		{"much later", Outgoing{Topic: "letters", Timestamp: math.MaxInt64}, AnyPartition, "rejected: topic letters: timestamp 9223372036854775807 is more than 1h0m0s in the future"},
		{"no time", Outgoing{Topic: "letters", Timestamp: -1}, AnyPartition, "rejected: topic letters: timestamp -1 is before 1970"},
		{"no topic", Outgoing{Topic: "nowhere", Partition: 3}, 3, "rejected: topic nowhere: it does not exist and the brokers do not create topics"},
		{"at the gate", Outgoing{Topic: "letters", Value: make([]byte, 2<<20)}, 0, "rejected: topic letters: the record is above the producer's message.max.bytes, 1048588: raise it in kafka.producer"},
	} {
		r := p.send(t, tt.out)
		if r.Err == nil || r.Err.Error() != tt.want || r.Partition != tt.partition || r.Offset != -1 || r.Timestamp != -1 {
			t.Errorf("%s: ended as %+v, want %q in partition %d", tt.name, r, tt.want, tt.partition)
		}
	}
	large := Outgoing{Topic: "letters", Headers: []record.Header{header("large", make([]byte, 2<<20))}}
	wantOutcome(t, p.send(t, large).Err, record.Rejected)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.InvalidTimestamp})
	wantOutcome(t, p.send(t, Outgoing{Topic: "letters", Timestamp: 1}).Err, record.Rejected)
	wantOutcome(t, p.send(t, Outgoing{Topic: "letters", Timestamp: 1}).Err, record.OK)
}

// AnyPartition leaves the choice to the key, the timestamp 0 to the clock, and both are told.
func TestWhatASenderLeavesOpenIsInTheResult(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(8, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	partitions := map[int32]int{}
	for i := range 16 {
		start := time.Now().UnixMilli()
		r := p.send(t, Outgoing{Topic: "letters", Partition: AnyPartition, Key: fmt.Append(nil, "key", i%4)})
		if r.Err != nil || r.Offset < 0 || r.Timestamp < start || r.Timestamp > time.Now().UnixMilli() {
			t.Errorf("%+v, sent at %d", r, start)
		}
		partitions[r.Partition]++
	}
	for id, n := range partitions {
		if n%4 != 0 || id < 0 {
			t.Errorf("%d records of 4 keys, 4 of each, are in partition %d", n, id)
		}
	}
}

// A topic may keep the brokers' time instead of the sender's (message.timestamp.type=LogAppendTime).
func TestTheResultHasTheBrokersTimestamp(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		return appendedAt(req.(*kmsg.ProduceRequest), 1_800_000_000_000), nil, true
	})
	p := newCaller(t, openOn(t, k.ListenAddrs(), nil))
	want := Result{Partition: 0, Offset: 42, Timestamp: 1_800_000_000_000}
	if r := p.send(t, Outgoing{Topic: "letters", Timestamp: 1000}); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
}

// appendedAt is the answer of a broker that keeps its own time.
func appendedAt(req *kmsg.ProduceRequest, millis int64) kmsg.Response {
	response := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, asked := range req.Topics {
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID = asked.Topic, asked.TopicID
		for _, p := range asked.Partitions {
			written := kmsg.NewProduceResponseTopicPartition()
			written.Partition, written.BaseOffset, written.LogAppendTime = p.Partition, 42, millis
			answer.Partitions = append(answer.Partitions, written)
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}

func TestBufferedRecordsHaveDetailsAsWell(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, ps)
	out := Outgoing{Topic: "letters", Partition: 1, Value: []byte("x"), Headers: []record.Header{header("a", []byte("b"))}, Timestamp: 1_700_000_000_000}
	for range 2 { // through the gate, and past it
		if err := p.SendBuffered(out); err != nil {
			t.Fatal(err)
		}
		for !p.Drained(0) {
			kafkatest.Await(t, p.woken, "the buffered record")
		}
	}
	if err := p.SendBuffered(Outgoing{Topic: "letters", Partition: 3}); err == nil {
		t.Error("a partition that does not exist was taken")
	}
	if err := p.SendBuffered(Outgoing{Topic: "letters", Partition: -3}); err == nil || p.Pending() != 0 {
		t.Errorf("%v, and %d pending", err, p.Pending())
	}
	if n := p.TakeFailed(); n != 0 || p.ring.positions != nil {
		t.Errorf("%d failed; places are kept for nobody: %v", n, p.ring.positions != nil)
	}
	tp := record.TopicPartition{Topic: "letters", Partition: 1}
	want := map[record.TopicPartition][]record.Record{tp: {
		{TopicPartition: tp, Offset: 0, Timestamp: out.Timestamp, Key: nil, Value: out.Value, Headers: out.Headers},
		{TopicPartition: tp, Offset: 1, Timestamp: out.Timestamp, Key: nil, Value: out.Value, Headers: out.Headers},
	}}
	if diff := cmp.Diff(want, readBack(t, k, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	allEnded(t, ps, 2)
}

// Headers count against what the gate holds in memory.
func TestTheGateIsBoundInHeadersAsWell(t *testing.T) {
	t.Parallel()
	ps := openOn(t, []string{"127.0.0.1:1"}, nil)
	p := newCaller(t, ps)
	out := Outgoing{Topic: "letters", Headers: []record.Header{header("large", []byte(strings.Repeat("x", maxHeldBytes/4)))}}
	taken := 0
	err := p.Send(out)
	for ; err == nil && taken < 100; taken++ {
		err = p.Send(out)
	}
	if taken != 3 || err != kerr.ErrFull { //nolint:errorlint // never wrapped
		t.Errorf("%d records of a quarter each were held, then %v", taken, err)
	}
	if n, _ := shut(ps, time.Second); n != 3 {
		t.Errorf("%d records are undelivered, want 3", n)
	}
	for i, r := range p.results(t, taken) {
		if r.Err == nil || r.Err.Outcome != record.Retry || r.Partition != 0 {
			t.Errorf("record %d ended as %+v", i, r)
		}
	}
	if n := ps.topics.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are held for ever", n)
	}
}

// A session may use one handle for both kinds of calls.
func TestDeliverAndSendShareOneOrder(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	p := newCaller(t, openOn(t, k.ListenAddrs(), nil))
	wantOutcome(t, p.deliver(t, "letters", nil), record.OK)
	if p.ring.positions != nil {
		t.Error("places are kept for a session that does not ask for them")
	}
	if err := p.Deliver([]byte("letters"), nil, []byte("first")); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if err := p.Send(Outgoing{Topic: "letters", Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	offsets := []int64{}
	for _, r := range p.results(t, 41)[1:] {
		offsets = append(offsets, r.Offset)
	}
	if !slices.IsSorted(offsets) || offsets[0] != 2 || offsets[39] != 41 {
		t.Errorf("offsets %v", offsets)
	}
}

// A session packs the headers of one record behind the other into the same memory, also while records wait at the gate.
func TestPackedHeadersAreTheirOwnRecords(t *testing.T) {
	t.Parallel()
	const n = 200
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	p := newCaller(t, openOn(t, k.ListenAddrs(), nil))
	var want []record.Record
	d := librdkafka.Details{Partition: AnyPartition}
	for i := range n {
		d.Headers = d.Headers[:0].Append([]byte("number"), fmt.Append(nil, i)).Append([]byte("again"), nil)
		d.Timestamp = int64(1_700_000_000_000 + i)
		if err := p.SendPacked([]byte("letters"), []byte("key"), fmt.Append(nil, i), &d); err != nil {
			t.Fatal(err)
		}
		want = append(want, record.Record{
			TopicPartition: record.TopicPartition{Topic: "letters"}, Offset: int64(i), Timestamp: d.Timestamp, Key: []byte("key"),
			Value: fmt.Append(nil, i), Headers: []record.Header{header("number", fmt.Append(nil, i)), header("again", nil)},
		})
	}
	for i, r := range p.results(t, n) {
		if diff := cmp.Diff(Result{Offset: int64(i), Timestamp: want[i].Timestamp}, r, cmp.Comparer(sameFailure)); diff != "" {
			t.Errorf("record %d: %s", i, diff)
		}
	}
	if diff := cmp.Diff(want, readBack(t, k, n)[want[0].TopicPartition]); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeSentPackedIsRejected(t *testing.T) {
	t.Parallel()
	p := newCaller(t, openOn(t, kafkatest.Brokers(t, kfake.SeedTopics(1, "letters")).ListenAddrs(), nil))
	for reason, d := range map[string]librdkafka.Details{
		"timestamp -1 is before 1970": {Timestamp: -1},
		fmt.Sprintf("timestamp %d is more than 1h0m0s in the future", math.MaxInt64): {Timestamp: math.MaxInt64},
		"it has no partition -2": {Partition: -2},
	} {
		want := &Error{Outcome: record.Rejected, Topic: "letters", Reason: reason}
		if err := p.SendPacked([]byte("letters"), nil, nil, &d); err == nil || err.Error() != want.Error() {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

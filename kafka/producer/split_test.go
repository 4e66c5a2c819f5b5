package producer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// refuseBatches makes the brokers refuse whole batches, as real ones do. It counts the requests that it refused.
func refuseBatches(k *kfake.Cluster, refuse func(batch []byte) *wireerr.Error) *atomic.Int64 {
	refused := new(atomic.Int64)
	k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		err := refuse(produce.Topics[0].Partitions[0].Records) // librdkafka asks for one partition at a time
		if err == nil {
			return nil, nil, false
		}
		refused.Add(1)
		response := appendedAt(produce, -1).(*kmsg.ProduceResponse)
		response.Topics[0].Partitions[0].ErrorCode = err.Code
		return response, nil, true
	})
	return refused
}

// bad is in the value of records that the brokers take for invalid.
const bad = "bad"

func invalid(batch []byte) *wireerr.Error {
	if bytes.Contains(batch, []byte(bad)) {
		return wireerr.InvalidRecord
	}
	return nil
}

// together makes records that are produced one after the other share batches, which the brokers can read.
func together(cfg *config.Config) {
	cfg.Producer = config.Properties{"linger.ms": "50", "compression.type": "none", "batch.num.messages": "1000"}
}

// One record that the brokers refuse costs no other its place in the log, however many are in its batch; what was
// with it arrives once, and whole.
func TestBystandersOfARefusedBatchAreWritten(t *testing.T) {
	t.Parallel()
	const n, partitions = 700, 2
	k := kafkatest.Brokers(t, kfake.SeedTopics(partitions, "letters"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		together(cfg)
		cfg.Profiles = map[string]config.Properties{config.Delivered: {"linger.ms": "50"}}
	})
	refused := refuseBatches(k, invalid)
	p := newCaller(t, ps)
	want, good := map[record.TopicPartition][]record.Record{}, 0
	var batch []Outgoing
	for i := range n {
		out := numbered(i, partitions)
		switch {
		case i%300 == 123:
			out.Value = []byte(bad)
		case i%7 == 0:
			out.Key, out.Value, out.Headers = []byte{}, []byte{}, nil
		}
		batch = append(batch, out)
		if err := p.Send(out); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range p.results(t, n) {
		out := batch[i]
		if string(out.Value) == bad {
			wantOutcome(t, r.Err, record.Rejected)
			continue
		}
		tp := record.TopicPartition{Topic: out.Topic, Partition: out.Partition}
		if r.Err != nil || r.Partition != out.Partition || r.Timestamp != out.Timestamp {
			t.Fatalf("record %d ended as %+v", i, r)
		}
		want[tp] = append(want[tp], record.Record{TopicPartition: tp, Offset: r.Offset, Timestamp: out.Timestamp, Key: out.Key, Value: out.Value, Headers: out.Headers})
		good++
	}
	if refused.Load() == 0 {
		t.Fatal("no batch was refused")
	}
	got := readBack(t, k, good)
	for tp := range want {
		// What was sent behind a refused batch may be before its records in the log.
		slices.SortFunc(want[tp], func(a, b record.Record) int { return int(a.Offset - b.Offset) })
		if diff := cmp.Diff(want[tp], got[tp]); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tp, diff)
		}
	}
	allEnded(t, ps, n)
}

func TestBystandersOfABufferedBatchAreWritten(t *testing.T) {
	t.Parallel()
	const n = 500
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), together)
	refused := refuseBatches(k, invalid)
	p := newCaller(t, ps)
	for i := range n {
		value := fmt.Append(nil, i)
		if i%100 == 50 {
			value = []byte(bad)
		}
		if err := p.Buffer([]byte("letters"), nil, value); err != nil {
			t.Fatal(err)
		}
	}
	for !p.Drained(0) {
		kafkatest.Await(t, p.woken, "the buffered records")
	}
	if failed := p.TakeFailed(); failed != n/100 || refused.Load() == 0 {
		t.Errorf("%d records failed, and %d batches were refused; want %d", failed, refused.Load(), n/100)
	}
	if s := ps.Counts(); s.Ended[record.OK] != n-n/100 || s.Ended[record.Rejected] != n/100 {
		t.Errorf("%+v", s)
	}
	allEnded(t, ps, n)
}

// larger refuses batches that are too large for a topic.
func larger(limit int) func([]byte) *wireerr.Error {
	return func(batch []byte) *wireerr.Error {
		if len(batch) > limit {
			return wireerr.MessageTooLarge
		}
		return nil
	}
}

// A batch may be too large for a topic although none of its records is. The topic is remembered: what follows is
// not refused first.
func TestABatchTooLargeIsSplit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{20_000, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			const n = 1000
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
			ps := openOn(t, k.ListenAddrs(), together)
			refused := refuseBatches(k, larger(limit))
			p := newCaller(t, ps)
			for round := range 3 {
				before := refused.Load()
				for range n {
					if err := p.Buffer([]byte("letters"), nil, bytes.Repeat([]byte("x"), 100)); err != nil {
						t.Fatal(err)
					}
				}
				for !p.Drained(0) {
					kafkatest.Await(t, p.woken, "the buffered records")
				}
				if again := refused.Load() - before; (again > 0) != (round == 0) {
					t.Errorf("round %d: %d batches were refused", round, again)
				}
			}
			kafkatest.Eventually(t, "the topic's limit", func() bool { return ps.limit("letters") != "" })
			failure := p.deliver(t, "letters", make([]byte, limit))
			wantOutcome(t, failure, record.Rejected)
			if !strings.HasSuffix(failure.Reason, ", for the topic's max.message.bytes of 1048588") { // kfake's own
				t.Errorf("the record too large alone was refused with %q", failure.Reason)
			}
			if s := ps.Counts(); s.Ended[record.OK] != 3*n || s.Ended[record.Rejected] != 1 {
				t.Errorf("%+v", s)
			}
			allEnded(t, ps, 3*n+1)
		})
	}
}

// A record too large must not take those with it that are not.
func TestOneLargeRecordIsRefusedAlone(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), together)
	refuseBatches(k, larger(20_000))
	p := newCaller(t, ps)
	var want []record.Outcome
	for i := range 100 {
		out := Outgoing{Topic: "letters", Partition: AnyPartition, Value: make([]byte, 100)}
		if i%30 == 7 {
			out.Value = make([]byte, 30_000)
		}
		want = append(want, record.OK)
		if len(out.Value) > 20_000 {
			want[i] = record.Rejected
		}
		if err := p.Send(out); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range p.results(t, 100) {
		wantOutcome(t, r.Err, want[i])
	}
	allEnded(t, ps, 100)
}

// What is alone already is not sent again.
func TestARefusedRecordIsAskedForOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), together)
	refused := refuseBatches(k, invalid)
	wantOutcome(t, newCaller(t, ps).deliver(t, "letters", []byte(bad)), record.Rejected)
	if refused.Load() != 1 {
		t.Errorf("the record was sent %d times", refused.Load())
	}
}

// Those that cannot be sent again were not written, whoever was at fault.
func TestBystandersWithoutRoomMayBeSentAgain(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), together)
	ps.delivered.splitter.ended = true
	refuseBatches(k, invalid)
	p := newCaller(t, ps)
	for i := range 10 {
		value := []byte("x")
		if i == 5 {
			value = []byte(bad)
		}
		if err := p.Send(Outgoing{Topic: "letters", Partition: 0, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range p.results(t, 10) {
		wantOutcome(t, r.Err, record.Retry)
	}
	allEnded(t, ps, 10)
}

// New properties, and an end, find handles for smaller batches at work.
func TestHandlesForSmallerBatchesComeAndGo(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), together)
	refused := refuseBatches(k, larger(20_000))
	p, s := newCaller(t, ps), &ps.buffered.splitter
	fill := func() {
		for range 1000 {
			if err := p.Buffer([]byte("letters"), nil, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		for !p.Drained(0) {
			kafkatest.Await(t, p.woken, "the buffered records")
		}
	}
	fill()
	first := s.present(small)
	if first == nil || s.batchingFor("letters") != small || s.present(single) != nil {
		t.Fatalf("after a batch too large: %v, batches are %d", first, s.batchingFor("letters"))
	}
	now := time.Now()
	if first.idle(now) || first.idle(now.Add(splitIdle/2)) || !first.idle(now.Add(2*splitIdle)) {
		t.Error("a handle is kept for another time than it should be")
	}
	if !s.close(first) || s.close(first) || s.present(small) != nil || s.batchingFor("letters") != whole {
		t.Error("an idle handle did not go")
	}
	fill()
	before := refused.Load()
	reconfigure(t, ps, func(cfg *config.Config) {
		cfg.Producer = config.Merge(cfg.Producer, config.Properties{"linger.ms": "40"})
	})
	fill()
	if refused.Load() == before || s.batchingFor("letters") != small {
		t.Error("what topics take is not learned again with new properties")
	}
	allEnded(t, ps, 3000)
	if n, err := shut(ps, kafkatest.Patience); n != 0 || err != nil {
		t.Errorf("%d records are undelivered, %v", n, err)
	}
}

// A producer has 32 767 epochs, and each refused batch costs one. When they are used up brokers refuse what it sends,
// whoever it is from.
func TestAProducerOutOfEpochsHasASuccessor(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), together)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	before := ps.delivered.handle.Load()
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.InvalidProducerEpoch})
	for range 20 {
		if err := p.Deliver([]byte("letters"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	wantOutcome(t, p.outcomes(t, 20), record.OK)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.InvalidProducerEpoch})
	wantOutcome(t, p.deliver(t, "letters", []byte("alone")), record.OK)
	kafkatest.Eventually(t, "the successor", func() bool { return ps.delivered.handle.Load() != before })
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	allEnded(t, ps, 23)
}

// Where librdkafka says which records were at fault, the others are marked; and what may be written is not sent again.
func TestWhichRecordsAreSentAgain(t *testing.T) {
	d := &reportLoop{}
	type row struct {
		report librdkafka.Report
		told   bool
		want   bool
	}
	for i, tt := range []row{
		{librdkafka.Report{Err: librdkafka.InvalidRecord}, false, true},
		{librdkafka.Report{Err: librdkafka.InvalidRecord}, true, false},
		{librdkafka.Report{Err: librdkafka.DifferentRecord}, true, true},
		{librdkafka.Report{Err: librdkafka.InvalidTimestamp}, false, true},
		{librdkafka.Report{Err: librdkafka.MessageTooLarge}, false, true},
		{librdkafka.Report{Err: librdkafka.MessageTooLarge, Status: librdkafka.PossiblyPersisted}, false, false},
		{librdkafka.Report{Err: librdkafka.TopicAuthorization}, false, false},
		{librdkafka.Report{Err: librdkafka.MessageTimedOut}, false, false},
		{librdkafka.Report{}, false, false},
	} {
		if got := d.divisible(&tt.report, tt.told); got != tt.want {
			t.Errorf("row %d: %v", i, got)
		}
	}
	d.batching = single
	if d.divisible(&librdkafka.Report{Err: librdkafka.InvalidRecord}, false) {
		t.Error("a record that was sent alone is sent again")
	}
}

package producer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// outage is a cluster whose brokers can all go away.
type outage struct {
	*kfake.Cluster
	brokers []*suspension
	ps      *Producers
}

// startOutage has the topic letters known to the producers, and then no broker that answers.
func startOutage(t *testing.T) *outage {
	t.Helper()
	k, brokers := threeBrokers(t, kfake.SeedTopics(1, "letters"))
	o := &outage{k, brokers, openOn(t, k.ListenAddrs(), nil)}
	wantOutcome(t, newCaller(t, o.ps).deliver(t, "letters", []byte("before")), record.OK)
	for _, b := range brokers {
		b.suspend()
	}
	kafkatest.Eventually(t, "no broker to answer", o.ps.offline.Load)
	return o
}

func (o *outage) end() {
	for _, b := range o.brokers {
		b.resume()
	}
}

// values are the n records that are in the log of letters, and must be all.
func (o *outage) values(t *testing.T, n int) (values []string) {
	t.Helper()
	for _, records := range readBack(t, o.Cluster, n) {
		for i := range records {
			values = append(values, string(records[i].Value))
		}
	}
	if high := o.PartitionInfo("letters", 0).HighWatermark; high != int64(n) {
		t.Errorf("the log has %d records, want %d", high, n)
	}
	return values
}

// A record of a client that has gone is not sent when the brokers come back: the client may have sent it again.
func TestWhatNobodyWaitsForIsNotSentAfterAnOutage(t *testing.T) {
	t.Parallel()
	o := startOutage(t)
	gone := newCaller(t, o.ps)
	if err := gone.Deliver([]byte("letters"), nil, []byte("once")); err != nil {
		t.Fatal(err)
	}
	if n := o.ps.delivered.handle.Load().Underway(); n != 0 || o.ps.held() != 1 {
		t.Errorf("librdkafka has %d records, and %d are held", n, o.ps.held())
	}
	gone.Close()
	if counts := o.ps.Counts(); counts.Ended[record.Retry] != 1 || counts.Pending != 0 {
		t.Errorf("after the client has gone: %+v", counts)
	}
	stays := newCaller(t, o.ps)
	if err := stays.Deliver([]byte("letters"), nil, []byte("once")); err != nil {
		t.Fatal(err)
	}
	o.end()
	wantOutcome(t, stays.outcomes(t, 1), record.OK)
	o.values(t, 2)
	allEnded(t, o.ps, 3)
}

// Buffered records need no outcome, and go where there is more room.
func TestBufferedRecordsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	o := startOutage(t)
	p := newCaller(t, o.ps)
	if err := p.Buffer([]byte("letters"), nil, []byte("buffered")); err != nil {
		t.Fatal(err)
	}
	p.Push()
	if held := o.ps.held(); held != 0 {
		t.Errorf("%d records are held", held)
	}
	p.Close()
	o.end()
	o.values(t, 2)
}

// A session's records keep their order: those that waited come before those that find the brokers back.
func TestHeldRecordsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	o := startOutage(t)
	p := newCaller(t, o.ps)
	const during, after = 20, 2000
	for n := range during + after {
		if n == during {
			o.end()
		}
		if err := p.Deliver([]byte("letters"), []byte("key"), fmt.Appendf(nil, "%05d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if failure := p.outcomes(t, during+after); failure != nil {
		t.Fatal(failure)
	}
	for n, value := range o.values(t, 1+during+after)[1:] {
		if value != fmt.Sprintf("%05d", n) {
			t.Fatalf("record %d is %s", n, value)
		}
	}
}

// A client that waits no longer is told the truth: what sluice held is not written.
func TestWhoGivesUpIsToldWhatSluiceHolds(t *testing.T) {
	t.Parallel()
	o := startOutage(t)
	p := newCaller(t, o.ps)
	for _, topic := range []string{"letters", "never-asked-for"} {
		if err := p.Deliver([]byte(topic), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, ok := p.Take(1); ok {
			t.Fatal("there is an outcome")
		}
		p.GiveUp(1, 2*time.Second)
		failure, ok := p.Take(1)
		if !ok || failure == nil || failure.Outcome != record.Retry || !strings.HasPrefix(failure.Reason, "not sent within 2s: no broker answers: ") {
			t.Fatalf("%s: %v %v", topic, failure, ok)
		}
	}
	o.end()
	wantOutcome(t, p.deliver(t, "letters", []byte("later")), record.OK)
	if values := o.values(t, 2); values[1] != "later" {
		t.Errorf("the log has %q", values)
	}
	allEnded(t, o.ps, 4)
}

// Of what librdkafka has, nobody knows.
func TestWhoGivesUpIsToldWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), shortly)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("before")), record.OK)
	heard := kafkatest.Mute(k)
	if err := p.Deliver([]byte("letters"), nil, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Take(1); ok {
		t.Fatal("there is an outcome")
	}
	kafkatest.Await(t, heard, "the record at the broker")
	p.GiveUp(1, 2*time.Second)
	failure, ok := p.Take(1)
	if !ok || failure == nil || failure.Error() != "unknown: no answer of the brokers within 2s" {
		t.Fatal(failure, ok)
	}
	kafkatest.Eventually(t, "librdkafka's report", func() bool { return ps.Counts().Pending == 0 })
	allEnded(t, ps, 2)
}

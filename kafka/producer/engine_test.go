package producer

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// TestMain gives the property tests walks that are long enough to fill a ring, unless the command line says otherwise.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.steps": "120", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	kafkatest.Main(m)
}

// openOn opens producers on the brokers, with the cluster that they ask, as kafka.Open does. They end with the test;
// change edits their configuration.
func openOn(t testing.TB, brokers []string, change func(*config.Config)) *Producers {
	t.Helper()
	cfg := config.Defaults()
	cfg.Brokers = brokers
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	settings := &atomic.Pointer[config.Config]{}
	settings.Store(&cfg)
	log, life := slog.New(slog.DiscardHandler), lifetime.New()
	asked := cluster.New(settings, log, life)
	ps, err := Open(settings, log, life, asked)
	if err != nil {
		life.End()
		t.Fatal(err)
	}
	asked.Run(cluster.Engine{Groups: ps.ListGroups, Served: func() map[string]cluster.Served { return nil }, Asked: ps.Asked, Changed: ps.Changed})
	t.Cleanup(func() { _, _ = shut(ps, kafkatest.Patience) })
	return ps
}

// shut closes the producers and their cluster once, as kafka.Client does; later calls do nothing. It returns how many
// records were not delivered.
func shut(ps *Producers, limit time.Duration) (undelivered int64, err error) {
	if ps.life.Context.Err() != nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ps.Stopping()
	ps.AwaitTopics(ctx)
	ps.life.Stop()
	ps.life.End()
	err = ps.life.Wait(ctx)
	ps.Close(ctx)
	ps.cluster.Close(ctx)
	return ps.Undelivered(), err
}

// reconfigure gives the producers another configuration, as kafka.Client does.
func reconfigure(t *testing.T, ps *Producers, edit func(*config.Config)) {
	t.Helper()
	cfg := *ps.settings.Load()
	edit(&cfg)
	made, err := ps.Prepare(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	ps.settings.Store(&cfg)
	ps.Reconfigure(&cfg, made)
}

// shortly makes librdkafka give up soon.
func shortly(cfg *config.Config) { cfg.Producer = config.Properties{"message.timeout.ms": "1500"} }

// caller is a session that waits for what it produced.
type caller struct {
	*Publisher
	woken kafkatest.Bell
}

func newCaller(t testing.TB, ps *Producers) *caller {
	t.Helper()
	woken := kafkatest.NewBell()
	p, err := ps.Publisher(woken.Ring)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{p, woken}
}

// outcomes waits for the ends of the n oldest records, and returns the first failure.
func (c *caller) outcomes(t *testing.T, n int) *Error {
	t.Helper()
	for {
		if failure, ok := c.Take(n); ok {
			return failure
		}
		kafkatest.Await(t, c.woken, "delivery reports")
	}
}

// results waits for the results of the n oldest records.
func (c *caller) results(t *testing.T, n int) []Result {
	t.Helper()
	for {
		if results, ok := c.Results(n, nil); ok {
			return results
		}
		kafkatest.Await(t, c.woken, "delivery reports")
	}
}

// deliver produces one record and waits for its end, whether it was taken or not.
func (c *caller) deliver(t *testing.T, topic string, value []byte) *Error {
	t.Helper()
	if err := c.Deliver([]byte(topic), nil, value); err != nil {
		return asProduceError(err, topic)
	}
	return c.outcomes(t, 1)
}

// send produces one record and waits for its result. One that was not taken has no place.
func (c *caller) send(t *testing.T, out Outgoing) Result {
	t.Helper()
	if err := c.Send(out); err != nil {
		return Result{Partition: AnyPartition, Offset: -1, Timestamp: -1, Err: asProduceError(err, out.Topic)}
	}
	return c.results(t, 1)[0]
}

// asProduceError is what a session is told of a record that was not taken.
func asProduceError(err error, topic string) *Error {
	var failure *Error
	if errors.As(err, &failure) {
		return failure
	}
	return &Error{Outcome: record.Retry, Topic: topic, Reason: err.Error()}
}

// fill produces n records to a topic, over all its partitions when they are many, and waits until they are in.
func fill(t *testing.T, ps *Producers, topic string, n int) {
	t.Helper()
	p := newCaller(t, ps)
	defer p.Close()
	for sent := 0; sent < n; {
		batch := min(n-sent, 1000)
		for i := range batch {
			// Without a key, those that are produced together go to one partition.
			if err := p.Deliver([]byte(topic), []byte{byte(i)}, []byte("a record")); err != nil {
				t.Fatal(err)
			}
		}
		if failure := p.outcomes(t, batch); failure != nil {
			t.Fatal(failure)
		}
		sent += batch
	}
}

func bufferThree(t *testing.T, ps *Producers) {
	t.Helper()
	p := newCaller(t, ps)
	for range 3 {
		if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.Push()
}

// readBack reads n records of the topic letters, by partition.
func readBack(t *testing.T, k *kfake.Cluster, n int) map[record.TopicPartition][]record.Record {
	t.Helper()
	records := map[record.TopicPartition][]record.Record{}
	for _, r := range kafkatest.Read(t, k, "letters", n) {
		tp := record.TopicPartition{Topic: r.Topic, Partition: r.Partition}
		read := record.Record{TopicPartition: tp, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			read.Headers = append(read.Headers, header(h.Key, h.Value))
		}
		records[tp] = append(records[tp], read)
	}
	return records
}

func header(name string, value []byte) record.Header { return record.Header{Name: name, Value: value} }

func wantOutcome(t *testing.T, failure *Error, want record.Outcome) {
	t.Helper()
	got := record.OK
	if failure != nil {
		got = failure.Outcome
	}
	if got != want {
		t.Fatalf("the record ended as %s (%v), want %s", got, failure, want)
	}
}

// wantUndelivered closes the producers, of which three records are not delivered, and whose every record has an end.
func wantUndelivered(t *testing.T, ps *Producers) {
	t.Helper()
	if n, _ := shut(ps, time.Second); n != 3 {
		t.Errorf("%d records are undelivered, want 3", n)
	}
	if s := ps.Counts(); s.Pending != 0 || s.Accepted != 3 {
		t.Errorf("every record must have an end: %+v", s)
	}
}

// allEnded holds the counters against their promise: every record taken has exactly one end.
func allEnded(t *testing.T, ps *Producers, taken int64) {
	t.Helper()
	s := ps.Counts()
	ended := int64(0)
	for _, n := range s.Ended {
		ended += n
	}
	if s.Accepted != taken || ended != taken || s.Pending != 0 || s.UnknownEvents != 0 {
		t.Errorf("%d records were taken; the counters say %+v", taken, s)
	}
}

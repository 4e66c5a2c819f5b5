package reader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/lifetime"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// told is a page in short: the values, where to go on, and what the partition holds.
func told(p Page) string {
	var values []string
	for i := range p.Records {
		values = append(values, fmt.Sprintf("%d=%s", p.Records[i].Offset, p.Records[i].Value))
	}
	return fmt.Sprintf("[%s] next %d of %d to %d", strings.Join(values, " "), p.Next, p.Begin, p.End)
}

func at(offset int64) cluster.Target {
	return cluster.Target{TopicPartition: record.TopicPartition{Topic: "letters"}, Offset: offset}
}

func reading(offset int64) ReadRequest {
	return ReadRequest{Target: at(offset), Records: 100, Bytes: 1 << 20}
}

// testReader is a reader, and what it asks.
type testReader struct {
	*Reader
	cluster *cluster.Cluster
}

// readable are brokers with five records of a few bytes, a second apart, and a reader that ends with the test.
func readable(t *testing.T) (*kfake.Cluster, testReader) {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	for i := range int64(5) {
		kafkatest.Produce(t, k, &kgo.Record{Topic: "letters", Value: fmt.Append(nil, "v", i), Timestamp: time.UnixMilli(1000 * (i + 1))})
	}
	cfg := config.Defaults()
	cfg.Brokers = k.ListenAddrs()
	settings := &atomic.Pointer[config.Config]{}
	settings.Store(&cfg)
	life := lifetime.New()
	c := cluster.New(settings, slog.New(slog.DiscardHandler), life)
	r := New(settings, life, c, func() int64 { return math.MaxInt64 })
	t.Cleanup(func() {
		ctx := kafkatest.Bounded(t)
		life.Stop()
		life.End()
		_ = life.Wait(ctx)
		r.Close(ctx)
		c.Close(ctx)
	})
	return k, testReader{r, c}
}

func TestAPartitionIsReadFromAnywhere(t *testing.T) {
	t.Parallel()
	k, c := readable(t)
	all := "0=v0 1=v1 2=v2 3=v3 4=v4"
	for _, step := range []struct {
		ReadRequest

		want string
	}{
		{reading(0), "[" + all + "] next 5 of 0 to 5"},
		{reading(cluster.Earliest), "[" + all + "] next 5 of 0 to 5"},
		{reading(3), "[3=v3 4=v4] next 5 of 0 to 5"},
		{reading(5), "[] next 5 of 0 to 5"},
		{reading(cluster.Latest), "[] next 5 of 0 to 5"},
		{ReadRequest{Target: at(1), Records: 2, Bytes: 1 << 20}, "[1=v1 2=v2] next 3 of 0 to 5"},
		{ReadRequest{Target: at(1), Records: 9, Bytes: 1}, "[1=v1] next 2 of 0 to 5"},
		{ReadRequest{Target: at(1), Records: 9, Bytes: 140}, "[1=v1 2=v2] next 3 of 0 to 5"},
		{ReadRequest{Target: cluster.Target{TopicPartition: record.TopicPartition{Topic: "letters", Partition: 0}, Offset: cluster.AtTime, Time: 3500}, Records: 9, Bytes: 1 << 20}, "[3=v3 4=v4] next 5 of 0 to 5"},
		{ReadRequest{Target: cluster.Target{TopicPartition: record.TopicPartition{Topic: "letters", Partition: 0}, Offset: cluster.AtTime, Time: 9000}, Records: 9, Bytes: 1 << 20}, "[] next 5 of 0 to 5"},
	} {
		page, err := c.Read(kafkatest.Bounded(t), step.ReadRequest)
		if diff := cmp.Diff(step.want, told(page)); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", step.ReadRequest, err, diff)
		}
	}
	if err := k.DeleteRecords("letters", 0, 2); err != nil { // what is gone is passed over
		t.Fatal(err)
	}
	page, err := c.Read(kafkatest.Bounded(t), reading(0))
	if got := told(page); got != "[2=v2 3=v3 4=v4] next 5 of 2 to 5" || err != nil {
		t.Errorf("%v %s", err, got)
	}
}

func TestAReadingWaitsForARecord(t *testing.T) {
	t.Parallel()
	k, c := readable(t)
	began := time.Now()
	waiting := reading(5)
	waiting.Wait = 300 * time.Millisecond
	if page, err := c.Read(kafkatest.Bounded(t), waiting); err != nil || told(page) != "[] next 5 of 0 to 5" || time.Since(began) < waiting.Wait {
		t.Errorf("%v %s after %v", err, told(page), time.Since(began))
	}
	waiting.Wait = kafkatest.Patience
	done := make(chan string, 1)
	go func() {
		page, err := c.Read(kafkatest.Bounded(t), waiting)
		done <- fmt.Sprint(told(page), err)
	}()
	kafkatest.Eventually(t, "a reading", func() bool { return len(c.pool.places) > 0 })
	kafkatest.Produce(t, k, &kgo.Record{Topic: "letters", Value: []byte("a record")})
	select {
	case got := <-done:
		if want := "[5=a record] next 6 of 0 to 6<nil>"; got != want {
			t.Error(got)
		}
	case <-time.After(kafkatest.Patience):
		t.Error("waited in vain")
	}
}

func TestReadingsThatCannotBe(t *testing.T) {
	t.Parallel()
	k, c := readable(t)
	var beyond *cluster.BeyondError
	if _, err := c.Read(kafkatest.Bounded(t), reading(6)); !errors.As(err, &beyond) || beyond.End != 5 {
		t.Errorf("beyond the end: %v", err)
	}
	elsewhere := reading(0)
	elsewhere.Partition = 1
	_, err := c.Read(kafkatest.Bounded(t), elsewhere)
	kafkatest.WantError(t, err, kerr.ErrNoPartition)
	elsewhere.Topic = "nope"
	_, err = c.Read(kafkatest.Bounded(t), elsewhere)
	kafkatest.WantError(t, err, kerr.ErrNoTopic)
	gone, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	waiting := reading(5)
	waiting.Wait = kafkatest.Patience
	_, err = c.Read(gone, waiting)
	kafkatest.WantError(t, err, context.DeadlineExceeded)
	k.Close()
	_, err = c.Read(kafkatest.Briefly(t), reading(0))
	kafkatest.WantError(t, err, kerr.ErrNoAnswer)
}

func TestReadingsAreBoundedAndShareConsumers(t *testing.T) {
	t.Parallel()
	_, c := readable(t)
	for range 3 {
		if _, err := c.Read(kafkatest.Bounded(t), reading(0)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.pool.idle); n != 1 {
		t.Errorf("%d consumers for readings that follow each other", n)
	}
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	waiting := reading(5)
	waiting.Wait = kafkatest.Patience
	for range mostReaders {
		all.Go(func() { _, _ = c.Read(ctx, waiting) })
	}
	kafkatest.Eventually(t, "as many as may be", func() bool { return len(c.pool.places) == mostReaders })
	_, err := c.Read(kafkatest.Bounded(t), reading(0))
	kafkatest.WantError(t, err, kerr.ErrTooManyReadings)
	leave()
	all.Wait()
	if page, err := c.Read(kafkatest.Bounded(t), reading(4)); err != nil || len(page.Records) != 1 {
		t.Errorf("%v %v", page, err)
	}
	for _, p := range c.pool.old(time.Now()) { // as the sweep does
		p.consumer.Abandon()
	}
	if n := len(c.pool.idle); n > 0 {
		t.Errorf("%d consumers are kept for ever", n)
	}
}

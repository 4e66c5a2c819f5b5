package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
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

func reading(offset int64) Reading {
	return Reading{Target: at("letters", 0, offset), Records: 100, Bytes: 1 << 20}
}

// readable is a cluster with five records of a hundred bytes, a second apart.
func readable(t *testing.T) (*kfake.Cluster, *Client) {
	t.Helper()
	k := fakeCluster(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	p := newCaller(t, c)
	for i := range int64(5) {
		value := fmt.Sprint("v", i)
		if r := p.send(t, Outgoing{Topic: "letters", Partition: 0, Value: []byte(value), Timestamp: 1000 * (i + 1)}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return k, c
}

func TestAPartitionIsReadFromAnywhere(t *testing.T) {
	t.Parallel()
	k, c := readable(t)
	all := "0=v0 1=v1 2=v2 3=v3 4=v4"
	for _, step := range []struct {
		Reading

		want string
	}{
		{reading(0), "[" + all + "] next 5 of 0 to 5"},
		{reading(cluster.Earliest), "[" + all + "] next 5 of 0 to 5"},
		{reading(3), "[3=v3 4=v4] next 5 of 0 to 5"},
		{reading(5), "[] next 5 of 0 to 5"},
		{reading(cluster.Latest), "[] next 5 of 0 to 5"},
		{Reading{Target: at("letters", 0, 1), Records: 2, Bytes: 1 << 20}, "[1=v1 2=v2] next 3 of 0 to 5"},
		{Reading{Target: at("letters", 0, 1), Records: 9, Bytes: 1}, "[1=v1] next 2 of 0 to 5"},
		{Reading{Target: at("letters", 0, 1), Records: 9, Bytes: 140}, "[1=v1 2=v2] next 3 of 0 to 5"},
		{Reading{Target: cluster.Target{TopicPartition: record.TopicPartition{Topic: "letters", Partition: 0}, Offset: cluster.AtTime, Time: 3500}, Records: 9, Bytes: 1 << 20}, "[3=v3 4=v4] next 5 of 0 to 5"},
		{Reading{Target: cluster.Target{TopicPartition: record.TopicPartition{Topic: "letters", Partition: 0}, Offset: cluster.AtTime, Time: 9000}, Records: 9, Bytes: 1 << 20}, "[] next 5 of 0 to 5"},
	} {
		page, err := c.Read(bounded(t), step.Reading)
		if diff := cmp.Diff(step.want, told(page)); diff != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", step.Reading, err, diff)
		}
	}
	if groups, err := c.Groups(bounded(t)); err != nil || len(groups) > 0 {
		t.Errorf("a reading left a trace: %v %v", groups, err)
	}
	if err := k.DeleteRecords("letters", 0, 2); err != nil { // what is gone is passed over
		t.Fatal(err)
	}
	page, err := c.Read(bounded(t), reading(0))
	if got := told(page); got != "[2=v2 3=v3 4=v4] next 5 of 2 to 5" || err != nil {
		t.Errorf("%v %s", err, got)
	}
}

func TestAReadingWaitsForARecord(t *testing.T) {
	t.Parallel()
	_, c := readable(t)
	began := time.Now()
	waiting := reading(5)
	waiting.Wait = 300 * time.Millisecond
	if page, err := c.Read(bounded(t), waiting); err != nil || told(page) != "[] next 5 of 0 to 5" || time.Since(began) < waiting.Wait {
		t.Errorf("%v %s after %v", err, told(page), time.Since(began))
	}
	waiting.Wait = patience
	done := make(chan string, 1)
	go func() {
		page, err := c.Read(bounded(t), waiting)
		done <- fmt.Sprint(told(page), err)
	}()
	eventually(t, "a reading", func() bool { return len(c.pool.places) > 0 })
	fill(t, c, "letters", 1)
	select {
	case got := <-done:
		if want := "[5=a record] next 6 of 0 to 6<nil>"; got != want {
			t.Error(got)
		}
	case <-time.After(patience):
		t.Error("waited in vain")
	}
}

func TestReadingsThatCannotBe(t *testing.T) {
	t.Parallel()
	k, c := readable(t)
	var beyond *cluster.BeyondError
	if _, err := c.Read(bounded(t), reading(6)); !errors.As(err, &beyond) || beyond.End != 5 {
		t.Errorf("beyond the end: %v", err)
	}
	elsewhere := reading(0)
	elsewhere.Partition = 1
	_, err := c.Read(bounded(t), elsewhere)
	wantError(t, err, kerr.ErrNoPartition, "")
	elsewhere.Topic = "nope"
	_, err = c.Read(bounded(t), elsewhere)
	wantError(t, err, kerr.ErrNoTopic, "")
	gone, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	waiting := reading(5)
	waiting.Wait = patience
	_, err = c.Read(gone, waiting)
	wantError(t, err, context.DeadlineExceeded, "")
	k.Close()
	_, err = c.Read(briefly(t), reading(0))
	wantError(t, err, kerr.ErrNoAnswer, "")
}

func TestReadingsAreBoundedAndShareConsumers(t *testing.T) {
	t.Parallel()
	_, c := readable(t)
	for range 3 {
		if _, err := c.Read(bounded(t), reading(0)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.pool.idle); n != 1 {
		t.Errorf("%d consumers for readings that follow each other", n)
	}
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	waiting := reading(5)
	waiting.Wait = patience
	for range mostReaders {
		all.Go(func() { _, _ = c.Read(ctx, waiting) })
	}
	eventually(t, "as many as may be", func() bool { return len(c.pool.places) == mostReaders })
	_, err := c.Read(bounded(t), reading(0))
	wantError(t, err, kerr.ErrTooManyReadings, "")
	leave()
	all.Wait()
	if page, err := c.Read(bounded(t), reading(4)); err != nil || len(page.Records) != 1 {
		t.Errorf("%v %v", page, err)
	}
	for _, p := range c.pool.old(time.Now()) { // as the sweep does
		p.consumer.Abandon()
	}
	if n := len(c.pool.idle); n > 0 {
		t.Errorf("%d consumers are kept for ever", n)
	}
}

// briefly is a context for a question that has no answer.
func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

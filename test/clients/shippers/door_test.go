//go:build matrix

package shippers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	topic    = "logs"
	key      = "topics:" + topic
	password = "secret"
	patience = 2 * time.Minute // bounds a test
)

// guarded is the configuration of a proxy that asks for the password.
const guarded = "users: {password: " + password + "}"

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// door is a proxy on a fake cluster.
type door struct {
	*harness.Sluice

	t     *testing.T
	ctx   context.Context
	admin *harness.Admin

	inside func(value string) (line string, ok bool) // a record's line; nil where it is the value
}

// open starts it with lines of configuration. The topic is there, and has one partition.
func open(t *testing.T, config ...string) *door {
	t.Helper()
	d := openWithout(t, config...)
	d.createTopic()
	return d
}

// openWithout starts it where the topic is missing, and where no broker creates one.
func openWithout(t *testing.T, config ...string) *door {
	t.Helper()
	ctx := harnesstest.Within(t, patience)
	fake := harnesstest.Fake(t, harness.FakeOptions{NoAutoCreate: true})
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: fake.Brokers(), Args: []string{"--config", harnesstest.Config(t, config...)},
	})
	return &door{Sluice: sluice, t: t, ctx: ctx, admin: fake.Admin}
}

func (d *door) createTopic() {
	d.t.Helper()
	harnesstest.Topic(d.t, d.ctx, d.admin, topic, 1)
}

// restart ends the proxy, politely or not, and starts it again at the same address.
func (d *door) restart(politely bool) {
	d.t.Helper()
	if politely {
		if _, err := d.Stop(d.ctx); err != nil {
			d.t.Fatal(err)
		}
	}
	again, err := d.Restart(d.ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Sluice = again
	d.t.Cleanup(func() { _ = again.Close() })
}

// refuses waits until the proxy has refused a record.
func (d *door) refuses() {
	d.t.Helper()
	client := d.client()
	harnesstest.Until(d.t, d.ctx, func(ctx context.Context) error {
		stats, err := client.HGetAll(ctx, "stats").Result()
		if err == nil && stats["producer.rejected"] == "0" {
			err = errors.New("nothing was refused yet")
		}
		return err
	})
}

// takes waits until the proxy takes a record.
func (d *door) takes() {
	d.t.Helper()
	client := d.client()
	harnesstest.Until(d.t, d.ctx, func(ctx context.Context) error { return client.RPush(ctx, key, "taken").Err() })
}

func (d *door) client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: d.Addr, Password: password})
	d.t.Cleanup(func() { _ = client.Close() })
	return client
}

// lines are those that the topic holds, asking Kafka itself.
func (d *door) lines() []string {
	d.t.Helper()
	records, err := d.admin.Records(d.ctx, topic)
	if err != nil {
		d.t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		line, ok := string(r.Value), true
		if d.inside != nil {
			line, ok = d.inside(line)
		}
		if ok {
			got = append(got, line)
		}
	}
	return got
}

// holds waits until the topic holds as many lines as are wanted, and wants exactly these, in their order.
func (d *door) holds(want []string) {
	d.t.Helper()
	got := d.waitFor(len(want))
	if slices.Equal(got, want) {
		return
	}
	for i := range got {
		if i == len(want) || got[i] != want[i] {
			d.t.Fatalf("the topic holds %d lines, want %d; line %d is %.80q", len(got), len(want), i, got[i])
		}
	}
}

// arrives waits until the topic holds a line.
func (d *door) arrives(line string) {
	d.t.Helper()
	harnesstest.Until(d.t, d.ctx, func(context.Context) error {
		if !slices.Contains(d.lines(), line) {
			return fmt.Errorf("%q is not there", line)
		}
		return nil
	})
}

// waitFor waits until the topic holds so many lines, or more.
func (d *door) waitFor(n int) (got []string) {
	d.t.Helper()
	harnesstest.Until(d.t, d.ctx, func(context.Context) error {
		if got = d.lines(); len(got) < n {
			return fmt.Errorf("the topic holds %d lines of %d", len(got), n)
		}
		return nil
	})
	return got
}

// numbered are n lines that differ.
func numbered(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"message":"line %06d"}`, i)
	}
	return lines
}

// some are the n lines of a batch, which differ from those of all other batches.
func some(batch, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("batch %06d line %06d", batch, i)
	}
	return lines
}

// count is how often each line is there.
func count(lines []string) map[string]int {
	times := map[string]int{}
	for _, line := range lines {
		times[line]++
	}
	return times
}

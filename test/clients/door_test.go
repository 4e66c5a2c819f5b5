package clients

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// startPatience bounds the start of the proxy, clientPatience a whole client's program.
const (
	startPatience  = time.Minute
	clientPatience = 2 * time.Minute
)

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// door is a proxy on a fake cluster with one topic of one partition.
type door struct {
	*harness.Sluice
	admin *harness.Admin
	topic string
}

// open starts it with further flags of `sluice serve`.
func open(t *testing.T, args ...string) *door {
	t.Helper()
	ctx := harnesstest.Within(t, startPatience)
	fake := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, fake.Admin, "greetings", 1)
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{Brokers: fake.Brokers(), Args: args})
	return &door{Sluice: sluice, admin: fake.Admin, topic: "greetings"}
}

// expectCommitted waits until a group's committed offset of the topic's partition is at.
func (d *door) expectCommitted(t *testing.T, group string, at int64) {
	t.Helper()
	ctx := harnesstest.Within(t, startPatience)
	err := harness.Until(ctx, func(ctx context.Context) error {
		got, err := d.admin.Committed(ctx, group, d.topic, 0)
		if err == nil && got != at {
			err = fmt.Errorf("group %s committed %d, want %d", group, got, at)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// expectValues checks what the topic holds.
func (d *door) expectValues(t *testing.T, want ...string) {
	t.Helper()
	got := d.values(t)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("topic holds %q, want %q", got, want)
	}
}

// values are those of the records that the topic holds, asking Kafka itself.
func (d *door) values(t *testing.T) []string {
	t.Helper()
	ctx := harnesstest.Within(t, startPatience)
	records, err := d.admin.Records(ctx, d.topic)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(records))
	for i, r := range records {
		got[i] = string(r.Value)
	}
	return got
}

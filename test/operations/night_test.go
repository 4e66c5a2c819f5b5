package operations

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// night is an operator with a terminal.
type night struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // of the test
	control string
	sluice  *harness.Sluice
}

// says runs a command of sluice, and wants its output to have all these texts.
func (n *night) says(args []string, want ...string) {
	n.t.Helper()
	cmd := exec.CommandContext(n.ctx, harnesstest.Binary(), args...)
	cmd.Env = append(cmd.Environ(), "SLUICE_CONTROL="+n.control)
	out, err := cmd.CombinedOutput()
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, w := range want {
		if !strings.Contains(text, w) {
			n.t.Errorf("sluice %s: %v, without %q:\n%s", strings.Join(args, " "), err, w, out)
		}
	}
}

// What an operator does at night, as docs/runbook.md has it: a worker is stuck at a record that it cannot process.
func TestTheTasksOfANight(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, k.Admin, "orders", 1)
	n := &night{t: t, ctx: ctx, control: filepath.Join(t.TempDir(), "c")}
	n.sluice = start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), Args: []string{"--control", n.control, "--config", harnesstest.Config(t,
		"consume: {stall_after: 1s, lag_interval: 1s}",
	)}})
	worker := connect(t, ctx, n.sluice.Addr, "billing:worker-1")
	do := func(args ...string) any {
		t.Helper()
		got, err := worker.do(args...)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	do("RPUSH", "topics:orders:user:42", "one", "poison", "three")
	do("BLPOP", "topics:orders", "15")
	do("RPUSH", "acks", "orders:0:0")
	do("BLPOP", "topics:orders", "15") // and it never comes back from this one

	// Who holds a record, and who is stuck.
	n.says([]string{"ctl", "leases", "billing"}, "RECORD GROUP HOLDER FOR ATTEMPT", "orders:0:1 billing worker-1", " 1")
	n.says([]string{"ctl", "leases", "others"}, "RECORD")
	harnesstest.Until(t, ctx, func(context.Context) error {
		if !strings.Contains(n.sluice.Output(), "record stands") {
			return errors.New("nothing is said of the record")
		}
		return nil
	})
	n.says([]string{"ctl", "status"}, "clients: 1", "orders:0:1 billing 1", "worker-1", "MEMBER GROUP STATE OWES", "worker-1 billing connected 1")
	// The lag.
	n.says([]string{"groups", "describe", "billing", "--brokers", strings.Join(k.Brokers(), ",")}, "orders 0")
	// What is in the record.
	n.says([]string{"topics", "peek", "orders:0:1"}, "record orders:0:1", "key user:42", "value poison")
	n.says([]string{"topics", "peek", "orders:0:99"}, "sluice: offset 99 of orders:0: it holds 0 up to 3")
	n.says([]string{"topics", "peek", "orders"}, `"orders" is no record: it must look like <topic>:<partition>:<offset>`)
	// The last errors.
	n.says([]string{"ctl", "errors"}, "AT LEVEL TIMES LAST", "record stands")
	// Skip it: the worker that holds it is not needed for that.
	n.says([]string{"groups", "skip", "billing", "orders:0:1", "--dry-run"}, "billing would go on without orders:0:1")
	n.says([]string{"groups", "skip", "billing", "orders:0:1"}, "billing goes on without orders:0:1")
	n.says([]string{"groups", "skip", "billing", "orders:0:1"}, "sluice: record orders:0:1 is settled already")
	n.says([]string{"groups", "skip", "billing", "orders:0:77"}, "sluice: record orders:0:77 is not among those that the group is at")
	if got := do("RPUSH", "acks", "orders:0:1"); got != int64(0) {
		t.Errorf("the acknowledgement of a skipped record: %v", got)
	}
	if got := do("BLPOP", "topics:orders", "15").([]any); got[7] != "three" {
		t.Errorf("after the skipped record: %v", got)
	}
	do("RPUSH", "acks", "orders:0:2")
	// Back an hour.
	n.says([]string{"groups", "seek", "billing", "orders", "--to", "-1h", "--dry-run"}, "orders 0", " 0 3", "dry run")
	n.says([]string{"groups", "seek", "billing", "orders", "--to", "-1h"}, "orders 0", " 0 3", "done")
	if got := do("BLPOP", "topics:orders", "15").([]any); got[7] != "one" {
		t.Errorf("after going back: %v", got)
	}
	n.says([]string{"groups", "seek", "billing", "orders:0", "--to", "2"}, "done")
	n.says([]string{"groups", "seek", "billing", "orders:7", "--to", "latest"}, "sluice: ", "orders:7")
	n.says([]string{"groups", "seek", "billing", "orders", "--to", "yesterday"}, `to "yesterday": it must be earliest, latest, an offset, a time`)
	if out := n.sluice.Output(); !strings.Contains(out, `msg="group moved" group=billing partitions=1 to=orders:0:2`) || !strings.Contains(out, `msg="record skipped for the group"`) {
		t.Errorf("the log does not tell:\n%s", out)
	}
	// A group that nobody serves.
	n.says([]string{"groups", "seek", "nightly", "orders", "--to", "1"}, "orders 0 - 1 3", "done")
	n.says([]string{"groups", "skip", "nightly", "orders:0:2"}, "group nightly goes on at orders:0:1: only the next record can be skipped")
	n.says([]string{"groups", "skip", "nightly", "orders:0:1"}, "nightly goes on without orders:0:1")
}

// Which records were given up, and why.
func TestTheDeadLettersOfANight(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	for _, topic := range []string{"orders", "dlq.orders.billing", "legacy_dlq", "others"} {
		harnesstest.Topic(t, ctx, k.Admin, topic, 1)
	}
	n := &night{t: t, ctx: ctx, control: filepath.Join(t.TempDir(), "c")}
	n.sluice = start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers(), Args: []string{"--control", n.control, "--config", harnesstest.Config(t,
		"groups: {billing: {topics: {refunds: {dead_letter: {topic: legacy_dlq}}}}}",
	)}})
	client := connect(t, ctx, n.sluice.Addr, "importer")
	for _, add := range [][]string{
		{"dlq.orders.billing", "__dlq.errors.topic", "orders", "__dlq.errors.partition", "0", "__dlq.errors.offset", "501", "dlq-error-class", "Timeout"},
		{"dlq.orders.billing", "dlq-reason", "rejected"},
		{"legacy_dlq", "a", "b"},
	} {
		if _, err := client.do(append([]string{"XADD", add[0], "*", "key", "c-17", "value", "poison"}, add[1:]...)...); err != nil {
			t.Fatal(err)
		}
	}
	n.says([]string{"dlq", "ls"}, "TOPIC RECORDS OLDEST TOP CLASS OF THE NEWEST 200", "dlq.orders.billing 2", "Timeout: 1 of 1", "legacy_dlq 1")
	n.says([]string{"dlq", "ls", "others"}, "others 0 - -")
	n.says([]string{"dlq", "ls", "missing"}, "sluice: topic missing: no such topic")
	n.says([]string{"dlq", "show", "dlq.orders.billing", "0:0"}, "source orders:0:501", "class Timeout", "key c-17", "value poison")
	n.says([]string{"dlq", "show", "dlq.orders.billing", "0:1"}, "this record is no dead letter", "value poison")
	n.says([]string{"dlq", "show", "dlq.orders.billing", "0:9"}, "sluice: offset 9 of dlq.orders.billing:0: it holds 0 up to 2")
	n.says([]string{"dlq", "show", "dlq.orders.billing", "9:0"}, "sluice: partition dlq.orders.billing:9: no such partition")
	n.says([]string{"dlq", "show", "dlq.orders.missing", "0:0"}, "sluice: topic dlq.orders.missing: no such topic")
	n.says([]string{"dlq", "show", "dlq.orders.billing", "0"}, `"0" is no record of a topic: it must look like <partition>:<offset>`)
}

// Why no broker answers.
func TestTheNightWithoutBrokers(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	nobody := harnesstest.FreeAddr(t)
	n := &night{t: t, ctx: ctx, control: filepath.Join(t.TempDir(), "c")}
	n.sluice = start(t, ctx, harness.SluiceOptions{Brokers: []string{nobody}, Args: []string{"--control", n.control}})
	why := "no broker answers: " + nobody + " refuses connections: nothing listens there"
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		_, body, err := n.sluice.Get(ctx, "/readyz")
		if err == nil && !strings.Contains(body, why) {
			err = errors.New(body)
		}
		return err
	})
	n.says([]string{"ctl", "status"}, "not ready: "+why)
	n.says([]string{"topics", "--brokers", nobody}, "sluice: "+why)
	n.says([]string{"topics", "peek", "t:0:0"}, "sluice: no broker answers")
}

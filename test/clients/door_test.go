package clients

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// startPatience bounds the start of the proxy, clientPatience a whole client's program.
const (
	startPatience  = time.Minute
	clientPatience = 2 * time.Minute
)

var binary = harness.OnceBinary(os.Getenv("SLUICE_BIN"))

func TestMain(m *testing.M) {
	status := m.Run()
	binary.Remove()
	os.Exit(status)
}

// door is a proxy on a fake cluster with one topic of one partition.
type door struct {
	*harness.Sluice
	admin *harness.Admin
	topic string
}

// open starts it with further flags of `sluice serve`.
func open(t *testing.T, args ...string) *door {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	fake, err := harness.StartFake(harness.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	admin, err := harness.OpenAdmin(fake.Brokers())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	if err := admin.CreateTopic(ctx, "greetings", 1); err != nil {
		t.Fatal(err)
	}
	sluice, err := harness.StartSluice(ctx, harness.SluiceOptions{Binary: binary.Path(t), Brokers: fake.Brokers(), Args: args})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the proxy's log:\n%s", sluice.Output())
		}
		_ = sluice.Close()
	})
	return &door{Sluice: sluice, admin: admin, topic: "greetings"}
}

// expectCommitted waits until a group's committed offset of the topic's partition is at.
func (d *door) expectCommitted(t *testing.T, group string, at int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
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

// expectValues checks what the topic holds, asking Kafka itself.
func (d *door) expectValues(t *testing.T, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	records, err := d.admin.Records(ctx, d.topic)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(records))
	for i, r := range records {
		got[i] = string(r.Value)
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("topic holds %q, want %q", got, want)
	}
}

// program runs a client's program to its end and returns what it printed.
func program(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: %v\n%s", name, err, packages)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// packages says how to get what these tests need.
const packages = "Debian: apt-get install redis-tools ruby ruby-redis python3 python3-venv nodejs npm"

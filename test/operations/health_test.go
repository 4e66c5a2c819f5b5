package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// health is what /healthz and /readyz say.
type health struct {
	OK, Ready bool
	Late      []any
	Reasons   []string
}

// ask asks for one of the two, and checks that its status goes with what it says.
func ask(t *testing.T, ctx context.Context, s *harness.Sluice, path string) health {
	t.Helper()
	status, body, err := s.Get(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	var h health
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, body)
	}
	want := http.StatusServiceUnavailable
	if h.OK || h.Ready {
		want = http.StatusOK
	}
	if status != want {
		t.Errorf("%s is answered with %d: %s", path, status, body)
	}
	return h
}

// healthy checks that the process says that it works, whatever its brokers do.
func healthy(t *testing.T, ctx context.Context, s *harness.Sluice) {
	t.Helper()
	if h := ask(t, ctx, s, "/healthz"); !h.OK || len(h.Late) > 0 {
		t.Errorf("not healthy: %v is late", h.Late)
	}
}

// awaitReady waits until clients are welcome.
func awaitReady(t *testing.T, ctx context.Context, s *harness.Sluice) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		if h := ask(t, ctx, s, "/readyz"); !h.Ready {
			return fmt.Errorf("not ready: %q", h.Reasons)
		}
		return nil
	})
}

// awaitNotReady waits until they are not, for one reason that begins so.
func awaitNotReady(t *testing.T, ctx context.Context, s *harness.Sluice, reason string) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		h := ask(t, ctx, s, "/readyz")
		if h.Ready || len(h.Reasons) != 1 || !strings.HasPrefix(h.Reasons[0], reason) {
			return fmt.Errorf("ready: %v, %q instead of %q", h.Ready, h.Reasons, reason)
		}
		return nil
	})
}

// probe checks what a probe of the HTTP door gets: 200, or 503 with a reason that begins so.
func probe(t *testing.T, ctx context.Context, s *harness.Sluice, path, reason string) {
	t.Helper()
	status, body, err := s.GetHTTP(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	well := status == http.StatusOK && body == "{}"
	sick := status == http.StatusServiceUnavailable && strings.HasPrefix(body, `{"error_code":50003,"message":"`+reason)
	if reason == "" && !well || reason != "" && !sick {
		t.Errorf("%s is answered with %d %s, and the reason is %q", path, status, body, reason)
	}
}

// Without brokers sluice starts, says why it is not ready, and is as soon as they are there; without
// them again it says so again.
func TestReadinessFollowsTheBrokers(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	broker := harnesstest.FreeAddr(t)
	_, port, err := net.SplitHostPort(broker)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	notify := listenNotify(t)
	s := start(t, ctx, harness.SluiceOptions{Brokers: []string{broker}, HTTP: harnesstest.FreeAddr(t), Env: []string{"NOTIFY_SOCKET=" + notify.path}})
	awaitNotReady(t, ctx, s, "no broker answers: ")
	healthy(t, ctx, s)
	probe(t, ctx, s, "/healthy", "")
	probe(t, ctx, s, "/ready", "no broker answers: ")
	notify.awaitStatus(t, ctx, "; no broker answers")
	notify.awaitMessage(t, ctx, 0, "READY=1") // open all the same: records wait
	if got := harnesstest.Scrape(t, ctx, s); got.Sum("sluice_ready")+got.Sum("sluice_kafka_reachable") != 0 {
		t.Error("the metrics say that it is ready")
	}

	cluster := harnesstest.Fake(t, harness.FakeOptions{Port: number})
	awaitReady(t, ctx, s)
	healthy(t, ctx, s)
	probe(t, ctx, s, "/ready", "")
	harnesstest.Until(t, ctx, func(context.Context) error {
		if now := notify.status(); strings.Contains(now, "no broker") {
			return fmt.Errorf("the status is %q", now)
		}
		return nil
	})

	if err := cluster.Close(); err != nil {
		t.Fatal(err)
	}
	awaitNotReady(t, ctx, s, "no broker answers: ")
	healthy(t, ctx, s)
}

// A client that owes an answer holds the drain open: all that time the management door says what goes
// on, and the client can still settle.
func TestTheManagementDoorOutlivesTheDrain(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	cluster := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, cluster.Admin, letters, 1)
	if err := cluster.Admin.Produce(ctx, letters, 0, nil, "v"); err != nil {
		t.Fatal(err)
	}
	c := newControl(t)
	s := start(t, ctx, harness.SluiceOptions{
		Brokers: cluster.Brokers(), Args: []string{"--control", c.socket, "--config", harnesstest.Config(t, "drain_grace: 50s")},
	})
	awaitReady(t, ctx, s)
	worker := connect(t, ctx, s.Addr, "app:w")
	records, err := worker.next("topics:"+letters, "20")
	if err != nil || len(records) != 1 {
		t.Fatalf("got %v, %v", records, err)
	}
	out, status := c.sluice(t, ctx, "status")
	if status != 0 || !strings.Contains(out, "\nready\n") || !strings.Contains(out, "clients: 1\n") {
		t.Errorf("sluice ctl status: %d\n%s", status, out)
	}
	if out, status := c.sluice(t, ctx, "drain"); status != 0 || out != "draining\n" {
		t.Errorf("sluice ctl drain: %d\n%s", status, out)
	}
	awaitNotReady(t, ctx, s, "draining")
	healthy(t, ctx, s)
	if got := harnesstest.Scrape(t, ctx, s).Sum("sluice_consume_leased_messages"); got != 1 {
		t.Errorf("%v records are leased, want 1", got)
	}
	if out, status := c.sluice(t, ctx, "status"); status != 0 || !strings.Contains(out, "not ready: draining\n") {
		t.Errorf("sluice ctl status: %d\n%s", status, out)
	}
	if out, status := c.sluice(t, ctx, "reload"); status == 0 || !strings.Contains(out, "stopping") {
		t.Errorf("sluice ctl reload: %d\n%s", status, out)
	}
	if n, err := worker.number("RPUSH", "acks", records[0].String()); n != 1 || err != nil {
		t.Errorf("the ack is answered with %d, %v", n, err)
	}
	if status, err := s.Wait(ctx); status != 0 || err != nil {
		t.Errorf("ended with %d, %v", status, err)
	}
	if at, err := cluster.Admin.Committed(ctx, "app", letters, 0); at != 1 || err != nil {
		t.Errorf("committed %d, %v", at, err)
	}
	if out, status := c.sluice(t, ctx, "status"); status != 1 || !strings.Contains(out, "no sluice answers") {
		t.Errorf("sluice ctl status of one that has ended: %d\n%s", status, out)
	}
}

// control is the operator at the control socket.
type control struct{ socket string }

func newControl(t *testing.T) control {
	t.Helper()
	return control{filepath.Join(t.TempDir(), "sluice.sock")}
}

// sluice runs `sluice ctl` and returns all it said, and its exit status.
func (c control) sluice(t *testing.T, ctx context.Context, command string) (out string, status int) {
	t.Helper()
	cmd := exec.CommandContext(ctx, harnesstest.Binary(), "ctl", command, "--socket", c.socket)
	said, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(said), cmd.ProcessState.ExitCode()
}

package operations

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The service manager is told each step of a life once, in its order, in the form that it understands.
func TestTheServiceManagerIsToldEveryStep(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	cluster := harnesstest.Fake(t, harness.FakeOptions{})
	notify, c := listenNotify(t), newControl(t)
	config := harnesstest.Config(t, "resp: {limits: {bulk: 2KiB}}")
	s := start(t, ctx, harness.SluiceOptions{
		Brokers: cluster.Brokers(), Args: []string{"--control", c.socket, "--config", config},
		Env: []string{"NOTIFY_SOCKET=" + notify.path, "WATCHDOG_USEC=3000000"},
	})
	seen := notify.awaitMessage(t, ctx, 0, "READY=1")
	awaitReady(t, ctx, s)

	reload := func(text string, how func()) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before := monotonic(t)
		how()
		reloading := notify.awaitMessage(t, ctx, seen+1, "RELOADING=1")
		told, _ := notify.all()[reloading].value("MONOTONIC_USEC")
		at, err := strconv.ParseInt(told, 10, 64)
		if now := monotonic(t); err != nil || at < before || at > now {
			t.Errorf("MONOTONIC_USEC=%s is not between %d and %d", told, before, now)
		}
		seen = notify.awaitMessage(t, ctx, reloading+1, "READY=1")
	}
	reload("resp: {limits: {bulk: 1KiB}}\n", func() {
		if out, status := c.sluice(t, ctx, "reload"); status != 0 || !strings.Contains(out, "resp.limits.bulk") {
			t.Errorf("sluice ctl reload: %d\n%s", status, out)
		}
	})
	expectSuccess(t, ctx, s, 1)
	reload("resp:\n  limits:\n    bulk: 4KiB\n    bulky: 1\n", func() {
		if out, status := c.sluice(t, ctx, "reload"); status != 78 || !strings.Contains(out, config+":4:5: ") {
			t.Errorf("sluice ctl reload of a bad file: %d\n%s", status, out)
		}
	})
	expectSuccess(t, ctx, s, 0)
	expectBulk(t, ctx, s, 1<<10)
	reload("resp: {limits: {bulk: 4KiB}}\n", func() {
		if err := s.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	})
	expectSuccess(t, ctx, s, 1)
	expectBulk(t, ctx, s, 4<<10)

	if status, err := s.Stop(ctx); status != 0 || err != nil {
		t.Errorf("stopped with %d, %v", status, err)
	}
	want := []string{
		"EXTEND_TIMEOUT_USEC=60000000", "READY=1 STATUS",
		"RELOADING=1 MONOTONIC_USEC", "READY=1 STATUS",
		"RELOADING=1 MONOTONIC_USEC", "READY=1 STATUS",
		"RELOADING=1 MONOTONIC_USEC", "READY=1 STATUS",
		"STOPPING=1 STATUS", "EXTEND_TIMEOUT_USEC=15000000",
	}
	notify.awaitMessage(t, ctx, seen+1, want[len(want)-1]) // it is sent, but maybe not read yet
	if got := notify.steps(); !slices.Equal(got, want) {
		t.Errorf("systemd was told\n%q, want\n%q", got, want)
	}
	if len(notify.pings()) == 0 {
		t.Error("the watchdog was not pinged")
	}
	checkPhrases(t, notify)
}

// A start that fails says why, with the number that systemd shows beside it, and leaves nothing open.
func TestTheServiceManagerIsToldWhyAStartFails(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	cluster := harnesstest.Fake(t, harness.FakeOptions{})
	for name, want := range map[string]struct {
		inherit harness.Inherited
		step    string
		words   string
	}{
		"socket that nobody asked for": {harness.Inherited{Name: "ftp", Listener: listen(t)}, "STATUS", `inherited socket "ftp" (descriptor 3)`},
		"address in use":               {harness.Inherited{}, "ERRNO=98 STATUS", "management.address: listen tcp"},
	} {
		t.Run(name, func(t *testing.T) {
			notify := listenNotify(t)
			o := harness.SluiceOptions{
				Binary: harnesstest.Binary(), Brokers: cluster.Brokers(), Env: []string{"NOTIFY_SOCKET=" + notify.path},
				Management: listen(t).Addr().String(), // taken
			}
			if want.inherit.Listener != nil {
				o.Inherit = []harness.Inherited{want.inherit}
			}
			s, err := harness.StartSluice(ctx, o)
			if err == nil {
				_ = s.Close()
				t.Fatal("it started")
			}
			notify.awaitStatus(t, ctx, want.words)
			steps := notify.steps()
			if last := notify.all()[len(notify.all())-1].text; !strings.Contains(last, want.words) {
				t.Errorf("the last words are %q", last)
			}
			if want.step != "STATUS" && steps[len(steps)-1] != want.step {
				t.Errorf("systemd was told %q, want %q in the end", steps, want.step)
			}
			if slices.ContainsFunc(steps, func(step string) bool { return strings.Contains(step, "READY=1") }) {
				t.Errorf("systemd was told %q", steps)
			}
		})
	}
}

// checkPhrases looks at the status lines of a life that went well.
func checkPhrases(t *testing.T, notify *notifySocket) {
	t.Helper()
	for _, m := range notify.all() {
		status, found := m.value("STATUS")
		if !found {
			continue
		}
		want := "serving "
		if m.has("STOPPING=1") {
			want = "draining: "
		}
		if m.has("READY=1") && !strings.HasPrefix(status, want) || m.has("STOPPING=1") && !strings.HasPrefix(status, want) {
			t.Errorf("%q does not begin with %q", status, want)
		}
	}
}

// expectBulk checks which limit is in force: a new connection gets it.
func expectBulk(t *testing.T, ctx context.Context, s *harness.Sluice, limit int) {
	t.Helper()
	c := connect(t, ctx, s.Addr, "")
	if _, err := c.do("PING", strings.Repeat("x", limit)); err != nil {
		t.Errorf("an argument of %d bytes: %v", limit, err)
	}
	if _, err := c.do("PING", strings.Repeat("x", limit+1)); !errors.As(err, new(refused)) {
		t.Errorf("an argument of %d bytes is answered with %v", limit+1, err)
	}
}

// expectSuccess checks what the metrics say of the last reload.
func expectSuccess(t *testing.T, ctx context.Context, s *harness.Sluice, want float64) {
	t.Helper()
	if got := harnesstest.Scrape(t, ctx, s).Sum("sluice_config_last_reload_success"); got != want {
		t.Errorf("sluice_config_last_reload_success is %v, want %v", got, want)
	}
}

// monotonic is the clock that systemd compares with, in microseconds.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return now.Nano() / 1000
}

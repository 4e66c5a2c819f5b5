package management

import (
	"os/exec"
	"strings"
	"testing"
)

// promtool runs Prometheus' own checker, from Debian's package prometheus.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is missing (Debian: prometheus)")
	}
	c := exec.CommandContext(within(t, longest), path, args...)
	c.Stdin = strings.NewReader(stdin)
	c.Dir = "../../deploy/prometheus"
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolFindsNothingWrongWithTheMetrics(t *testing.T) {
	text, _ := scrape(t, busy(2, 2, 2))
	promtool(t, text, "check", "metrics")
}

func TestPromtoolFindsNothingWrongWithTheAlerts(t *testing.T) {
	promtool(t, "", "check", "rules", "alerts.yml")
	promtool(t, "", "test", "rules", "alerts_test.yml")
}

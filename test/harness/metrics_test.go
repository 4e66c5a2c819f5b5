package harness

import (
	"testing"
)

func TestMetricsAreReadAsTheyAreWritten(t *testing.T) {
	m, err := parseMetrics("# HELP a Text, with \"quotes\" {and} = signs.\n# TYPE a counter\na{t=\"x\",r=\"ok\"} 3\na{t=\"y z\",r=\"\"} 1e+06\n" +
		"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n# TYPE g gauge\ng -1\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Sum("a"); got != 1_000_003 {
		t.Errorf("a sums up to %v", got)
	}
	if got := m.Sum("a", "t", "x", "r", "ok"); got != 3 {
		t.Errorf("a{t=x,r=ok} is %v", got)
	}
	if got := m.Values("a", "t"); len(got) != 2 || got[1] != "y z" {
		t.Errorf("values of t are %q", got)
	}
	for i, want := range []bool{true, true, true, true, false} {
		if got := m.Counts(&m.Series[i]); got != want {
			t.Errorf("%s counts: %v", m.Series[i].ID, got)
		}
	}
	for _, bad := range []string{"a", "a b", "a{b} 1", "a{b=\"c} 1"} {
		if _, err := parseMetrics(bad); err == nil {
			t.Errorf("%q was understood", bad)
		}
	}
}

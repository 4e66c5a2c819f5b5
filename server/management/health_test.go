package management

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func wantAnswer(t *testing.T, handler http.Handler, path string, status int, body string) {
	t.Helper()
	w := ask(handler, http.MethodGet, path, nil)
	got := strings.Join(strings.Fields(w.Body.String()), "")
	if w.Code != status || got != body {
		t.Errorf("%s: %d %s, want %d %s", path, w.Code, got, status, body)
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("%s: %s", path, kind)
	}
}

func TestHealthIsThatNoLoopIsLate(t *testing.T) {
	beats := []Beat{{"resp:accept", time.Second, time.Second}, {"subscription:billing", 900 * time.Millisecond, 10 * time.Second}}
	handler := New(Sources{
		Beats:    func() []Beat { return beats },
		NotReady: func() []string { return []string{"no broker answers: connection refused"} },
	}, testLog(t)).Handler()
	wantAnswer(t, handler, "/healthz", 200, `{"ok":true,"late":[]}`)
	beats[1].Age = 12340 * time.Millisecond
	wantAnswer(t, handler, "/healthz", 503, `{"ok":false,"late":[{"loop":"subscription:billing","age_seconds":12.34,"gap_seconds":10}]}`)
}

func TestReadinessGivesItsReasons(t *testing.T) {
	var reasons []string
	handler := New(Sources{NotReady: func() []string { return reasons }}, testLog(t)).Handler()
	wantAnswer(t, handler, "/readyz", 200, `{"ready":true,"reasons":[]}`)
	reasons = []string{"draining", "no-broker"}
	wantAnswer(t, handler, "/readyz", 503, `{"ready":false,"reasons":["draining","no-broker"]}`)
}

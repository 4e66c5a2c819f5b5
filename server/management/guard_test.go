package management

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask puts a request to a handler as a server would hand it over.
func ask(handler http.Handler, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, http.NoBody)
	r.Host = "127.0.0.1:9380"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// wantRefusal checks the status, and that the reason is JSON.
func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, status int, reason string) {
	t.Helper()
	var said refusal
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		t.Errorf("%v in %q", err, w.Body)
	}
	if w.Code != status || !strings.Contains(said.Error, reason) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %q %v, want %d %q in JSON", w.Code, said.Error, w.Header(), status, reason)
	}
}

func TestOnlyNamesThatNoStrangerCanResolveAreAnswered(t *testing.T) {
	handler := New(Sources{Hosts: []string{"sluice1.internal"}}, testLog(t)).Handler()
	for host, want := range map[string]int{
		"127.0.0.1:9380": 200, "[::1]:9380": 200, "[::1]": 200, "10.1.2.3": 200, "localhost": 200, "LocalHost:9380": 200,
		"localhost.:9380": 200, "": 200, "sluice1.internal:9380": 200, "Sluice1.Internal": 200,
		"attacker.example:9380": 421, "localhost.attacker.example": 421, "127.0.0.1.attacker.example": 421,
		"sluice1.internal.attacker.example": 421, "2130706433": 421, "[attacker.example]:9380": 421, "a b": 421,
	} {
		w := ask(handler, http.MethodGet, "/healthz", func(r *http.Request) { r.Host = host })
		if w.Code != want {
			t.Errorf("Host: %s: %d, want %d", host, w.Code, want)
		}
		if want == http.StatusMisdirectedRequest {
			wantRefusal(t, w, want, "management.hosts")
		}
	}
}

func TestOtherOriginsAreRefused(t *testing.T) {
	handler := New(Sources{}, testLog(t)).Handler()
	for origin, want := range map[string]int{
		"http://127.0.0.1:9380": 200, "http://127.0.0.1:9381": 403, "http://attacker.example": 403,
		"null": 403, "127.0.0.1:9380": 403, "://": 403,
	} {
		w := ask(handler, http.MethodGet, "/metrics", func(r *http.Request) { r.Header.Set("Origin", origin) })
		if w.Code != want {
			t.Errorf("Origin: %s: %d, want %d", origin, w.Code, want)
		}
	}
}

func TestNothingButReadingWithoutABody(t *testing.T) {
	s := New(Sources{Pprof: true}, testLog(t))
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status", "/debug/pprof/"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace, "BREW"} {
			w := ask(s.Handler(), method, path, nil)
			wantRefusal(t, w, http.StatusMethodNotAllowed, "GET, HEAD")
			if allow := w.Header().Get("Allow"); allow != "GET, HEAD" {
				t.Errorf("%s %s: Allow: %s", method, path, allow)
			}
		}
	}
	for name, handler := range map[string]http.Handler{"open": s.Handler(), "control": s.Control()} {
		for _, length := range []int64{1, 1 << 40, -1} {
			w := ask(handler, http.MethodGet, "/healthz", func(r *http.Request) { r.ContentLength = length })
			wantRefusal(t, w, http.StatusRequestEntityTooLarge, "no body")
			if w.Header().Get("Connection") != "close" {
				t.Errorf("%s, body of %d: the connection goes on", name, length)
			}
		}
	}
}

func TestOtherPathsAreNotThere(t *testing.T) {
	s := New(Sources{}, testLog(t))
	for _, path := range []string{"/", "/nothing", "/metrics/more", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/reload", "/drain"} {
		wantRefusal(t, ask(s.Handler(), http.MethodGet, path, nil), http.StatusNotFound, "/healthz")
		if path != "/reload" && path != "/drain" {
			wantRefusal(t, ask(s.Control(), http.MethodPost, path, nil), http.StatusNotFound, "/healthz")
		}
	}
	if w := ask(New(Sources{Pprof: true}, testLog(t)).Handler(), http.MethodGet, "/debug/pprof/goroutine?debug=1", nil); w.Code != http.StatusOK ||
		!strings.Contains(w.Body.String(), "goroutine profile") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

package rest_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// A probe is told whether all is well, and the reasons when it is not.
func TestProbesHaveTheReasons(t *testing.T) {
	t.Parallel()
	var stuck, unready atomic.Pointer[[]string]
	reasons := func(from *atomic.Pointer[[]string]) func() []string {
		return func() []string {
			if now := from.Load(); now != nil {
				return *now
			}
			return nil
		}
	}
	s := resttest.Start(t, exchange.Options{Stuck: reasons(&stuck), NotReady: reasons(&unready)})
	for _, c := range []struct {
		path    string
		reasons *atomic.Pointer[[]string]
	}{{"/healthy", &stuck}, {"/ready", &unready}} {
		for _, method := range []string{"GET", "HEAD"} {
			if answer, text := s.Ask(method, c.path, ""); answer.StatusCode != 200 || method == "GET" && text != "{}" {
				t.Errorf("%s %s: %d %s", method, c.path, answer.StatusCode, text)
			}
		}
		c.reasons.Store(&[]string{"the loop a stands still", "draining"})
		answer, text := s.Ask("GET", c.path, "")
		resttest.WantFailure(t, c.path, answer, text, 503, 50003, "the loop a stands still; draining")
		if kind := answer.Header.Get("Content-Type"); kind != exchange.V2Type {
			t.Errorf("%s: %s", c.path, kind)
		}
		c.reasons.Store(nil)
	}
}

// A door that nobody told how to find out is well.
func TestProbesOfADoorAlone(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for _, path := range []string{"/healthy", "/ready"} {
		if answer, text := s.Ask("GET", path, "", "Accept", "text/plain"); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, answer.StatusCode, text)
		}
	}
}

// Probes have no password, and a door that is busy is not sick. Nothing else gets past the password.
func TestProbesNeedNeitherPasswordNorRoom(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Password: "secret", Limits: exchange.Limits{MaxRequests: -1}})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/healthy", 200},
		{"GET", "/ready", 200},
		{"HEAD", "/ready", 200},
		{"GET", "/ready?x=1", 200},
		{"POST", "/ready", 405},
		{"GET", "/ready/../topics", 401},
		{"GET", "/ready/x", 401},
		{"GET", "/Ready", 401},
		{"GET", "/topics", 401},
		{"GET", "/", 401},
	} {
		if answer, text := s.Ask(c.method, c.path, ""); answer.StatusCode != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, answer.StatusCode, text)
		}
	}
	answer, text := s.Ask("GET", "/topics", "", "Authorization", "Bearer secret")
	resttest.WantFailure(t, "a full door", answer, text, 503, 50003, "too many requests")
	if n := s.Door.Stats().Requests; n != 0 {
		t.Errorf("%d requests are being answered", n)
	}
}

package rest_test

import (
	"io"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestRequestsThatNoRouteTakes(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Names: exchange.Names{Hosts: []string{"sluice.internal"}}})
	for _, c := range []struct {
		method, path, field, value string
		status                     int
		message                    string
	}{
		{"GET", "/nothing", "", "", 404, "Not Found"},
		{"POST", "/topics//partitions", "", "", 404, "Not Found"},
		{"GET", "/topics/../brokers", "", "", 404, "Not Found"},
		{"DELETE", "/topics", "", "", 405, "use GET, HEAD"},
		{"PUT", "/topics/blobs", "", "", 405, "use GET, HEAD, POST"},
		{"OPTIONS", "/topics/blobs", "", "", 405, "use GET, HEAD, POST"},
		{"GET", "/topics", "Host", "attacker.example", 421, "http.hosts"},
		{"GET", "/topics", "Origin", "http://attacker.example", 403, "origins"},
		{"POST", "/topics/blobs", "Origin", "null", 403, "origins"},
	} {
		answer, text := s.Ask(c.method, c.path, "", c.field, c.value)
		resttest.WantFailure(t, c.method+" "+c.path, answer, text, c.status, c.status, c.message)
		if c.status == 405 && !strings.Contains(c.message, answer.Header.Get("Allow")) {
			t.Errorf("%s: Allow: %s", c.method, answer.Header.Get("Allow"))
		}
	}
	if answer, _ := s.Ask("GET", "/topics", "", "Host", "sluice.internal"); answer.StatusCode != 200 {
		t.Errorf("a name that is allowed: %d", answer.StatusCode)
	}
}

func TestRequestIdsAreTheClientsWhereFit(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	for given, kept := range map[string]bool{"req-1/a": true, "": false, "a b": false, strings.Repeat("x", 129): false, "é": false} {
		answer, _ := s.Ask("GET", "/", "", exchange.RequestID, given)
		if id := answer.Header.Get(exchange.RequestID); id == "" || (id == given) != kept {
			t.Errorf("%q became %q", given, id)
		}
	}
}

func TestAPasswordIsAskedFor(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Password: "secret"})
	for given, status := range map[string]int{
		"": 401, "Bearer secret": 200, "bearer secret": 200, "Bearer wrong": 401, "Bearer": 401, "Basic OnNlY3JldA==": 200,
		"Basic dXNlcjpzZWNyZXQ=": 200, "Basic dXNlcjp3cm9uZw==": 401, "Basic ?": 401, "secret": 401, "Digest secret": 401,
	} {
		answer, text := s.Ask("GET", "/topics", "", "Authorization", given)
		if answer.StatusCode != status {
			t.Errorf("%q: %d", given, answer.StatusCode)
		}
		if status == 401 {
			resttest.WantFailure(t, given, answer, text, 401, 40101, "password")
			if !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%q: %v", given, answer.Header)
			}
		}
	}
	if n := s.Door.Stats().AuthFailures; n != 7 {
		t.Errorf("%d failures", n)
	}
}

func TestAMistakeOfOursIsAnswered(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	broken := &exchange.Route{Method: "GET", Pattern: "/broken", Run: func(*exchange.Exchange) error { panic("a mistake") }}
	half := &exchange.Route{Method: "GET", Pattern: "/half", Run: func(x *exchange.Exchange) error {
		x.Begin(200, exchange.JSONType)
		panic("a mistake, too late")
	}}
	for _, r := range []*exchange.Route{broken, half} {
		s.Door.Handle(r)
	}
	answer, text := s.Ask("GET", "/broken", "")
	resttest.WantFailure(t, "broken", answer, text, 500, 500, "a mistake in sluice")
	conn, in := s.Dial()
	s.Write(conn, "GET /half HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if said, err := io.ReadAll(in); err == nil && strings.Contains(string(said), "\r\n0\r\n") {
		t.Errorf("half an answer looks like a whole one: %q", said)
	}
	if n := s.Door.Stats().Requests; n != 0 {
		t.Errorf("%d requests are still counted", n)
	}
}

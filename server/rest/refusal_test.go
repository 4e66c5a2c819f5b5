package rest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/metrics"
)

// wantFailure checks that an answer has the shape of v2.
func wantFailure(t *testing.T, what string, answer *reply, text string, status, code int, message string) {
	t.Helper()
	var body struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Errorf("%s: %v in %q", what, err, text)
	}
	if answer.StatusCode != status || body.Code != code || !strings.Contains(body.Message, message) {
		t.Errorf("%s: %d %s, want %d/%d with %q", what, answer.StatusCode, text, status, code, message)
	}
	if !strings.Contains(answer.Header.Get("Content-Type"), "json") || answer.Header.Get(requestID) == "" {
		t.Errorf("%s: header %v", what, answer.Header)
	}
}

func TestBodiesThatAreNotTaken(t *testing.T) {
	s := start(t, Options{MaxBody: 300, MaxRecords: 3})
	for _, c := range []struct {
		path, kind, body string
		status, code     int
		message          string
	}{
		{"/topics/blobs", asJSON, ``, 400, 400, "byte 0"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1}`, 400, 400, "byte 23"},
		{"/topics/blobs", asJSON, `{"records":[{"value":01}]}`, 400, 400, "byte 22"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1}]} x`, 400, 400, "nothing more"},
		{"/topics/blobs", asJSON, `{"records":[{"value":"` + "\xff" + `"}]}`, 400, 400, "UTF-8"},
		{"/topics/blobs", asJSON, `[]`, 422, 422, "records"},
		{"/topics/blobs", asJSON, `{}`, 422, 422, "records"},
		{"/topics/blobs", asJSON, `{"records":[]}`, 422, 422, "records"},
		{"/topics/blobs", asJSON, `{"records":null}`, 422, 422, "records"},
		{"/topics/blobs", asJSON, `{"records":[1]}`, 422, 422, "object"},
		{"/topics/blobs", asJSON, `{"records":[{"vlaue":1}]}`, 422, 422, "vlaue"},
		{"/topics/blobs", asJSON, `{"record":[]}`, 422, 422, "record"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1,"partition":-1}]}`, 422, 422, "partition"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1,"partition":"0"}]}`, 422, 422, "partition"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1,"timestamp":1.5}]}`, 422, 422, "timestamp"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1,"headers":{}}]}`, 422, 422, "headers"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1,"headers":[{"value":"YQ=="}]}]}`, 422, 422, "key"},
		{"/topics/blobs", asJSON, `{"records":[{"value":1,"headers":[{"key":"a","value":"?"}]}]}`, 422, 422, "base64"},
		{"/topics/blobs", asBinary, `{"records":[{"value":"a"}]}`, 422, 422, "base64"},
		{"/topics/blobs", asBinary, `{"records":[{"value":{}}]}`, 422, 422, "base64"},
		{"/topics/blobs", asJSON, `{"records":[{},{},{},{}]}`, 413, 413, "3 records"},
		{"/topics/blobs", asJSON, `{"records":[{"value":"` + strings.Repeat("x", 300) + `"}]}`, 413, 413, "300 bytes"},
		{"/topics/blobs", "application/vnd.kafka.avro.v2+json", `{}`, 415, 415, "takes application/vnd.kafka.json.v2+json"},
		{"/topics/blobs", "text/plain", `{}`, 415, 415, "text/plain"},
		{"/topics/blobs?async=1", asJSON, `{"records":[{"value":1}]}`, 422, 422, "async"},
		{"/topics/nope", asJSON, `{"records":[{"value":1}]}`, 404, 40401, "Topic not found."},
		{"/topics/nope?async=true", asJSON, `{"records":[{"value":1}]}`, 404, 40401, "Topic not found."},
		{"/topics/a%2Fb", asJSON, `{"records":[{"value":1}]}`, 404, 40401, "Topic not found."},
		{"/topics/orders/partitions/3", asJSON, `{"records":[{"value":1}]}`, 404, 40402, "Partition not found."},
		{"/topics/orders/partitions/x", asJSON, `{"records":[{"value":1}]}`, 404, 404, "Not Found"},
		{"/topics/orders/partitions/0", asJSON, `{"records":[{"value":1,"partition":1}]}`, 422, 422, "path"},
	} {
		answer, text := s.ask("POST", c.path, c.body, "Content-Type", c.kind)
		wantFailure(t, c.path+" "+c.body, answer, text, c.status, c.code, c.message)
	}
	answer, text := s.ask("POST", "/topics/blobs", "x", "Content-Type", asJSON, "Content-Encoding", "br")
	wantFailure(t, "br", answer, text, 415, 415, "br")
	if n := s.door.Stats().Held; n != 0 {
		t.Errorf("%d bytes of bodies are still held", n)
	}
}

func TestRequestsThatNoRouteTakes(t *testing.T) {
	s := start(t, Options{Hosts: []string{"sluice.internal"}})
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
		answer, text := s.ask(c.method, c.path, "", c.field, c.value)
		wantFailure(t, c.method+" "+c.path, answer, text, c.status, c.status, c.message)
		if c.status == 405 && !strings.Contains(c.message, answer.Header.Get("Allow")) {
			t.Errorf("%s: Allow: %s", c.method, answer.Header.Get("Allow"))
		}
	}
	if answer, _ := s.ask("GET", "/topics", "", "Host", "sluice.internal"); answer.StatusCode != 200 {
		t.Errorf("a name that is allowed: %d", answer.StatusCode)
	}
}

func TestRequestIdsAreTheClientsWhereFit(t *testing.T) {
	s := start(t, Options{})
	for given, kept := range map[string]bool{"req-1/a": true, "": false, "a b": false, strings.Repeat("x", 129): false, "é": false} {
		answer, _ := s.ask("GET", "/", "", requestID, given)
		if id := answer.Header.Get(requestID); id == "" || (id == given) != kept {
			t.Errorf("%q became %q", given, id)
		}
	}
}

func TestAPasswordIsAskedFor(t *testing.T) {
	s := start(t, Options{Password: "secret"})
	for given, status := range map[string]int{
		"": 401, "Bearer secret": 200, "bearer secret": 200, "Bearer wrong": 401, "Bearer": 401, "Basic OnNlY3JldA==": 200,
		"Basic dXNlcjpzZWNyZXQ=": 200, "Basic dXNlcjp3cm9uZw==": 401, "Basic ?": 401, "secret": 401, "Digest secret": 401,
	} {
		answer, text := s.ask("GET", "/topics", "", "Authorization", given)
		if answer.StatusCode != status {
			t.Errorf("%q: %d", given, answer.StatusCode)
		}
		if status == 401 {
			wantFailure(t, given, answer, text, 401, 40101, "password")
			if !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("%q: %v", given, answer.Header)
			}
		}
	}
	if n := s.door.Stats().AuthFailures; n != 7 {
		t.Errorf("%d failures", n)
	}
}

func TestAMistakeOfOursIsAnswered(t *testing.T) {
	s := start(t, Options{})
	broken := &route{method: "GET", pattern: "/broken", run: func(*exchange) error { panic("a mistake") }}
	half := &route{method: "GET", pattern: "/half", run: func(x *exchange) error {
		x.begin(200, jsonType)
		panic("a mistake, too late")
	}}
	for _, r := range []*route{broken, half} {
		s.door.service.meters[r] = &metrics.Meter{}
		s.door.mux.HandleFunc(r.pattern, func(w http.ResponseWriter, asked *http.Request) { s.door.service.answer(w, asked, r) })
	}
	answer, text := s.ask("GET", "/broken", "")
	wantFailure(t, "broken", answer, text, 500, 500, "a mistake in sluice")
	conn, in := s.dial()
	s.write(conn, "GET /half HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if said, err := io.ReadAll(in); err == nil && strings.Contains(string(said), "\r\n0\r\n") {
		t.Errorf("half an answer looks like a whole one: %q", said)
	}
	if n := s.door.Stats().Requests; n != 0 {
		t.Errorf("%d requests are still counted", n)
	}
}

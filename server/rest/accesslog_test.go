package rest_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// logged is a log that can be read back.
type logged struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestTheAccessLogSaysWhatWasAnsweredAndNothingOfTheClients(t *testing.T) {
	t.Parallel()
	to := &logged{}
	s := resttest.Start(t, exchange.Options{AccessLog: 1, Access: slog.New(slog.NewJSONHandler(to, nil))})
	_, said := s.Ask("POST", "/v1/topics/blobs/records?key=secret", "a value", exchange.RequestID, "mine")
	s.Ask("POST", "/topics/blobs", "{\"x\n\":", "Content-Type", resttest.AsJSON, exchange.RequestID, "mine\" level=ERROR")
	s.Ask("GET", "/secret?secret=secret", "")
	s.Ask("POST", "/v1/topics/blobs/records", "{\"value\":1}\n", "Content-Type", exchange.NDJSONType)
	want := []struct {
		Method, Route string
		Status, Bytes int
	}{
		{"POST", "/v1/topics/{topic}/records", 200, len(said)},
		{"POST", "/topics/{topic}", 400, 0},
		{"", "", 404, 0},
		{"POST", "/v1/topics/{topic}/records", 200, 0},
	}
	resttest.Eventually(t, "the lines", func() bool { return strings.Count(to.String(), "\n") == len(want) })
	for i, line := range strings.Split(strings.TrimSpace(to.String()), "\n") {
		got, expected := want[i], want[i]
		got.Bytes = 0
		var id struct {
			ID string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || json.Unmarshal([]byte(line), &id) != nil {
			t.Fatal(line, err)
		}
		if got.Bytes == 0 || id.ID == "" || expected.Bytes != 0 && id.ID != "mine" {
			t.Errorf("%s", line)
		}
		if expected.Bytes == 0 {
			got.Bytes = 0
		}
		if got != expected {
			t.Errorf("%s, want %+v", line, expected)
		}
	}
	if text := to.String(); strings.Contains(text, "secret") || strings.Contains(text, "ERROR") || strings.Contains(text, "value") {
		t.Errorf("of the client's: %s", text)
	}
}

func TestTheAccessLogIsOffAndSampled(t *testing.T) {
	t.Parallel()
	to := &logged{}
	opts := exchange.Options{Access: slog.New(slog.NewTextHandler(to, nil))}
	s := resttest.Start(t, opts)
	s.Ask("GET", "/", "")
	if to.String() != "" {
		t.Errorf("by default: %s", to)
	}
	opts.AccessLog = 0.5
	s.Door.Reconfigure(opts)
	for range 100 {
		s.Ask("GET", "/", "")
	}
	if n := strings.Count(to.String(), "\n"); n < 10 || n > 90 { // one time in 10^16 it is
		t.Errorf("%d of 100 lines", n)
	}
}

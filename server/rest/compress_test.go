package rest_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

func TestLargeAnswersArePackedForWhoAsks(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	many := `{"records":[` + strings.Repeat(`{"value":1},`, 99) + `{"value":1}]}`
	for accept, coding := range map[string]string{
		"gzip": "gzip", "GZIP": "gzip", "zstd": "zstd", "gzip, deflate, br, zstd": "zstd", "gzip;q=1.0, zstd;q=0.5": "gzip",
		"*": "zstd", "*;q=0.1": "zstd", "zstd;q=0, *": "gzip", "zstd;q=0,gzip;q=0": "", "*;q=0": "", "identity": "", "br": "",
		"gzip;q=2": "", "gzip;q=x": "", "gzip; Q=0.5": "gzip", ",,;": "",
	} {
		answer, text := s.Ask("POST", "/topics/blobs", many, "Content-Type", resttest.AsJSON, "Accept-Encoding", accept)
		if got := answer.Header.Get("Content-Encoding"); got != coding || answer.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %q, %v", accept, got, answer.Header)
		}
		if answer.StatusCode != 200 || strings.Count(text, `"error":null`) != 100 {
			t.Errorf("%q: %d %s", accept, answer.StatusCode, text)
		}
	}
	if answer, _ := s.Ask("GET", "/topics", "", "Accept-Encoding", "gzip, zstd"); answer.Header["Content-Encoding"] != nil || answer.Header["Vary"] != nil {
		t.Errorf("a small one: %v", answer.Header)
	}
}

func TestPackedBodiesAreUnpacked(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	const text = `{"records":[{"value":1}]}`
	lines := strings.Repeat("{\"value\":2}\n", 5000)
	for _, c := range []struct{ coding, path, kind, body string }{
		{"gzip", "/topics/blobs", resttest.AsJSON, resttest.Zipped(text)},
		{"GZIP", "/topics/blobs", resttest.AsJSON, resttest.Zipped(text)},
		{"x-gzip", "/topics/blobs", resttest.AsJSON, resttest.Zipped(text[:7]) + resttest.Zipped(text[7:])},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, text)},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, text, zstd.WithSingleSegment(true))},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, text[:7]) + resttest.Zstded(t, text[7:])},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, `{"records":[{"value":"`+strings.Repeat("y", 1<<20)+`"}]}`, zstd.WithWindowSize(4<<20))},
		{"identity", "/topics/blobs", resttest.AsJSON, text},
		{"gzip", "/v1/topics/blobs/records", "text/plain", resttest.Zipped("raw")},
		{"gzip", "/v1/topics/blobs/records", exchange.NDJSONType, resttest.Zipped(lines)},
		{"zstd", "/v1/topics/blobs/records", exchange.NDJSONType, resttest.Zstded(t, lines)},
	} {
		answer, said := s.Ask("POST", c.path, c.body, "Content-Type", c.kind, "Content-Encoding", c.coding)
		if answer.StatusCode != 200 || strings.Contains(said, "error_code\":4") {
			t.Errorf("%s %s: %d %.200s", c.coding, c.path, answer.StatusCode, said)
		}
		if c.kind == exchange.NDJSONType && strings.Count(said, "\n") != 5000 {
			t.Errorf("%s: %d results", c.coding, strings.Count(said, "\n"))
		}
	}
	if n := s.Door.Stats().Held; n != 0 {
		t.Errorf("%d bytes of bodies are still held", n)
	}
}

func TestPackedBodiesThatAreNotTaken(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxBody: 100 << 10}})
	bomb := strings.Repeat("x", 8<<20)
	lines := strings.Repeat("\n", 8<<20)
	whole := resttest.Zipped(`{"records":[{"value":1}]}`)
	for _, c := range []struct {
		coding, path, kind, body string
		status                   int
		message                  string
	}{
		{"br", "/topics/blobs", resttest.AsJSON, "x", 415, "gzip, zstd"},
		{"gzip, gzip", "/topics/blobs", resttest.AsJSON, resttest.Zipped(resttest.Zipped("x")), 415, "gzip, zstd"},
		{"br", "/v1/topics/blobs/records", exchange.NDJSONType, "x", 415, "gzip, zstd"},
		{"gzip", "/topics/blobs", resttest.AsJSON, "{}", 400, "could not be read"},
		{"gzip", "/topics/blobs", resttest.AsJSON, "", 422, "the body is empty"},
		{"gzip", "/topics/blobs", resttest.AsJSON, whole[:len(whole)-9], 400, "could not be read"},
		{"gzip", "/topics/blobs", resttest.AsJSON, whole + "more", 400, "could not be read"},
		{"zstd", "/topics/blobs", resttest.AsJSON, "{}", 400, "could not be read"},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, "{}")[:7], 400, "could not be read"},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, "{}") + "\x28\xb5\x2f\xfd\x04\x70" + strings.Repeat("\x00", 20), 400, "could not be read"},
		{"gzip", "/topics/blobs", resttest.AsJSON, resttest.Zipped(bomb), 413, "102400 bytes"},
		{"zstd", "/topics/blobs", resttest.AsJSON, resttest.Zstded(t, bomb), 413, "10"},
		{"gzip", "/v1/topics/blobs/records", "text/plain", resttest.Zipped(bomb), 413, "102400 bytes"},
		{"gzip", "/v1/topics/blobs/records", exchange.NDJSONType, resttest.Zipped(bomb), 413, "102400 bytes"},
		{"zstd", "/v1/topics/blobs/records", exchange.NDJSONType, resttest.Zstded(t, lines), 413, "1000 times"},
		{"gzip", "/v1/topics/blobs/records", exchange.NDJSONType, resttest.Zipped(lines), 413, "1000 times"},
	} {
		answer, text := s.Ask("POST", c.path, c.body, "Content-Type", c.kind, "Content-Encoding", c.coding)
		resttest.WantFailure(t, c.coding+" "+c.path, answer, text, c.status, c.status, c.message)
		if c.status == 415 && answer.Header.Get("Accept-Encoding") != "gzip, zstd" {
			t.Errorf("%s: %v", c.coding, answer.Header)
		}
	}
	if n := s.Door.Stats().Held; n != 0 {
		t.Errorf("%d bytes of bodies are still held", n)
	}
}

func TestUnpackingCountsAsHeld(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{Limits: exchange.Limits{MaxHeld: 4 << 20}})
	large := resttest.Zstded(t, `{"records":[{"value":"`+strings.Repeat("y", 3<<20)+`"}]}`, zstd.WithWindowSize(4<<20))
	answer, text := s.Ask("POST", "/topics/blobs", large, "Content-Type", resttest.AsJSON, "Content-Encoding", "zstd")
	resttest.WantFailure(t, "a large window", answer, text, 503, 50003, "too many large requests")
	small := resttest.Zstded(t, `{"records":[{"value":1}]}`, zstd.WithSingleSegment(true))
	if answer, text := s.Ask("POST", "/topics/blobs", small, "Content-Type", resttest.AsJSON, "Content-Encoding", "zstd"); answer.StatusCode != 200 {
		t.Errorf("a small window: %d %s", answer.StatusCode, text)
	}
}

func TestPackedLinesAreProducedAsTheyCome(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	from, to := io.Pipe()
	r, err := http.NewRequestWithContext(resttest.Within(t, resttest.Patience), "POST", "http://"+s.Addr+"/v1/topics/blobs/records", from)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", exchange.NDJSONType)
	r.Header.Set("Content-Encoding", "zstd")
	packed, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	go func() {
		defer close(began)
		packed.Write([]byte("{\"value\":1}\n"))
		packed.Flush()
	}()
	answer, err := s.HTTP.Do(r) // comes with the first result, before the body has ended
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	<-began
	s.Read("blobs", 1)
	packed.Write([]byte("{\"value\":2}\n"))
	packed.Close()
	to.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || bytes.Count(text, []byte("\"offset\"")) != 2 {
		t.Errorf("%s %v", text, err)
	}
}

package rest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// lazily is a body that is unpacked when it is read.
type lazily struct {
	io.Closer

	from io.Reader
	open func(io.Reader) (io.Reader, error)
	out  io.Reader
}

func (l *lazily) Read(p []byte) (int, error) {
	if l.out == nil {
		out, err := l.open(l.from)
		if err != nil {
			return 0, err
		}
		l.out = out
	}
	return l.out.Read(p)
}

// unpacked is the body of an answer as it was before it was packed.
func unpacked(got *http.Response) io.ReadCloser {
	switch got.Header.Get("Content-Encoding") {
	case "gzip":
		return &lazily{Closer: got.Body, from: got.Body, open: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }}
	case "zstd":
		return &lazily{Closer: got.Body, from: got.Body, open: func(r io.Reader) (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		}}
	}
	return got.Body
}

func TestLargeAnswersArePackedForWhoAsks(t *testing.T) {
	s := start(t, Options{})
	many := `{"records":[` + strings.Repeat(`{"value":1},`, 99) + `{"value":1}]}`
	for accept, coding := range map[string]string{
		"gzip": "gzip", "GZIP": "gzip", "zstd": "zstd", "gzip, deflate, br, zstd": "zstd", "gzip;q=1.0, zstd;q=0.5": "gzip",
		"*": "zstd", "*;q=0.1": "zstd", "zstd;q=0, *": "gzip", "zstd;q=0,gzip;q=0": "", "*;q=0": "", "identity": "", "br": "",
		"gzip;q=2": "", "gzip;q=x": "", "gzip; Q=0.5": "gzip", ",,;": "",
	} {
		answer, text := s.ask("POST", "/topics/blobs", many, "Content-Type", asJSON, "Accept-Encoding", accept)
		if got := answer.Header.Get("Content-Encoding"); got != coding || answer.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %q, %v", accept, got, answer.Header)
		}
		if answer.StatusCode != 200 || strings.Count(text, `"error":null`) != 100 {
			t.Errorf("%q: %d %s", accept, answer.StatusCode, text)
		}
	}
	if answer, _ := s.ask("GET", "/topics", "", "Accept-Encoding", "gzip, zstd"); answer.Header["Content-Encoding"] != nil || answer.Header["Vary"] != nil {
		t.Errorf("a small one: %v", answer.Header)
	}
}

func FuzzQuality(f *testing.F) {
	for _, seed := range []string{"", "gzip", "gzip;q=0.5, *;q=0", ";;,,q=", "zstd;q=NaN"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if q := quality([]string{accept}, "gzip"); q < 0 || q > 1000 {
			t.Errorf("%d", q)
		}
	})
}

// zipped is a text as gzip packs it.
func zipped(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return out.String()
}

// zstded is a text as zstd packs it, by options.
func zstded(t *testing.T, text string, opts ...zstd.EOption) string {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, append(opts, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write([]byte(text)); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPackedBodiesAreUnpacked(t *testing.T) {
	s := start(t, Options{})
	const text = `{"records":[{"value":1}]}`
	lines := strings.Repeat("{\"value\":2}\n", 5000)
	for _, c := range []struct{ coding, path, kind, body string }{
		{"gzip", "/topics/blobs", asJSON, zipped(text)},
		{"GZIP", "/topics/blobs", asJSON, zipped(text)},
		{"x-gzip", "/topics/blobs", asJSON, zipped(text[:7]) + zipped(text[7:])},
		{"zstd", "/topics/blobs", asJSON, zstded(t, text)},
		{"zstd", "/topics/blobs", asJSON, zstded(t, text, zstd.WithSingleSegment(true))},
		{"zstd", "/topics/blobs", asJSON, zstded(t, text[:7]) + zstded(t, text[7:])},
		{"zstd", "/topics/blobs", asJSON, zstded(t, `{"records":[{"value":"`+strings.Repeat("y", 1<<20)+`"}]}`, zstd.WithWindowSize(4<<20))},
		{"identity", "/topics/blobs", asJSON, text},
		{"gzip", "/v1/topics/blobs/records", "text/plain", zipped("raw")},
		{"gzip", "/v1/topics/blobs/records", ndjsonType, zipped(lines)},
		{"zstd", "/v1/topics/blobs/records", ndjsonType, zstded(t, lines)},
	} {
		answer, said := s.ask("POST", c.path, c.body, "Content-Type", c.kind, "Content-Encoding", c.coding)
		if answer.StatusCode != 200 || strings.Contains(said, "error_code\":4") {
			t.Errorf("%s %s: %d %.200s", c.coding, c.path, answer.StatusCode, said)
		}
		if c.kind == ndjsonType && strings.Count(said, "\n") != 5000 {
			t.Errorf("%s: %d results", c.coding, strings.Count(said, "\n"))
		}
	}
	if n := s.door.Stats().Held; n != 0 {
		t.Errorf("%d bytes of bodies are still held", n)
	}
}

func TestPackedBodiesThatAreNotTaken(t *testing.T) {
	s := start(t, Options{MaxBody: 100 << 10})
	bomb := strings.Repeat("x", 8<<20)
	lines := strings.Repeat("\n", 8<<20)
	whole := zipped(`{"records":[{"value":1}]}`)
	for _, c := range []struct {
		coding, path, kind, body string
		status                   int
		message                  string
	}{
		{"br", "/topics/blobs", asJSON, "x", 415, "gzip, zstd"},
		{"gzip, gzip", "/topics/blobs", asJSON, zipped(zipped("x")), 415, "gzip, zstd"},
		{"br", "/v1/topics/blobs/records", ndjsonType, "x", 415, "gzip, zstd"},
		{"gzip", "/topics/blobs", asJSON, "{}", 400, "could not be read"},
		{"gzip", "/topics/blobs", asJSON, "", 400, "invalid JSON"},
		{"gzip", "/topics/blobs", asJSON, whole[:len(whole)-9], 400, "could not be read"},
		{"gzip", "/topics/blobs", asJSON, whole + "more", 400, "could not be read"},
		{"zstd", "/topics/blobs", asJSON, "{}", 400, "could not be read"},
		{"zstd", "/topics/blobs", asJSON, zstded(t, "{}")[:7], 400, "could not be read"},
		{"zstd", "/topics/blobs", asJSON, zstded(t, "{}") + "\x28\xb5\x2f\xfd\x04\x70" + strings.Repeat("\x00", 20), 400, "could not be read"},
		{"gzip", "/topics/blobs", asJSON, zipped(bomb), 413, "102400 bytes"},
		{"zstd", "/topics/blobs", asJSON, zstded(t, bomb), 413, "10"},
		{"gzip", "/v1/topics/blobs/records", "text/plain", zipped(bomb), 413, "102400 bytes"},
		{"gzip", "/v1/topics/blobs/records", ndjsonType, zipped(bomb), 413, "102400 bytes"},
		{"zstd", "/v1/topics/blobs/records", ndjsonType, zstded(t, lines), 413, "1000 times"},
		{"gzip", "/v1/topics/blobs/records", ndjsonType, zipped(lines), 413, "1000 times"},
	} {
		answer, text := s.ask("POST", c.path, c.body, "Content-Type", c.kind, "Content-Encoding", c.coding)
		wantFailure(t, c.coding+" "+c.path, answer, text, c.status, c.status, c.message)
		if c.status == 415 && answer.Header.Get("Accept-Encoding") != acceptedCodings {
			t.Errorf("%s: %v", c.coding, answer.Header)
		}
	}
	if n := s.door.Stats().Held; n != 0 {
		t.Errorf("%d bytes of bodies are still held", n)
	}
}

func TestUnpackingCountsAsHeld(t *testing.T) {
	s := start(t, Options{MaxHeld: 4 << 20})
	large := zstded(t, `{"records":[{"value":"`+strings.Repeat("y", 3<<20)+`"}]}`, zstd.WithWindowSize(4<<20))
	answer, text := s.ask("POST", "/topics/blobs", large, "Content-Type", asJSON, "Content-Encoding", "zstd")
	wantFailure(t, "a large window", answer, text, 503, 50003, "too many large requests")
	small := zstded(t, `{"records":[{"value":1}]}`, zstd.WithSingleSegment(true))
	if answer, text := s.ask("POST", "/topics/blobs", small, "Content-Type", asJSON, "Content-Encoding", "zstd"); answer.StatusCode != 200 {
		t.Errorf("a small window: %d %s", answer.StatusCode, text)
	}
}

func TestPackedLinesAreProducedAsTheyCome(t *testing.T) {
	s := start(t, Options{})
	from, to := io.Pipe()
	r, err := http.NewRequestWithContext(within(t, patience), "POST", "http://"+s.addr+"/v1/topics/blobs/records", from)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", ndjsonType)
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
	answer, err := s.http.Do(r) // comes with the first result, before the body has ended
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	<-began
	s.read("blobs", 1)
	packed.Write([]byte("{\"value\":2}\n"))
	packed.Close()
	to.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || bytes.Count(text, []byte("\"offset\"")) != 2 {
		t.Errorf("%s %v", text, err)
	}
}

func TestABodyThatIsNotPackedCostsNothing(t *testing.T) {
	x := &exchange{r: &http.Request{Header: http.Header{"Content-Type": {asJSON}}, Body: http.NoBody}}
	if n := testing.AllocsPerRun(100, func() { _ = x.decompress() }); n != 0 || x.decompressor != nil {
		t.Errorf("%v allocations", n)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, seed := range []string{"", "{}", zipped("{}"), zipped("{}") + zipped(strings.Repeat("x", 100_000)), "\x28\xb5\x2f\xfd\x84\x00\x00\x10"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, zipped bool) {
		coding := "zstd"
		if zipped {
			coding = "gzip"
		}
		opts := Options{MaxBody: 1000}.orDefaults()
		r := &http.Request{Header: http.Header{"Content-Encoding": {coding}}, Body: io.NopCloser(bytes.NewReader(body))}
		x := &exchange{service: &service{}, opts: &opts, r: r}
		if err := x.decompress(); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r.Body)
		if most := int64(max(opts.MaxBody, maxRatio*len(body)) + largeWindow); n > most {
			t.Errorf("%d bytes unpacked to %d, %v", len(body), n, err)
		}
		x.release()
		if held := x.held.Load(); held != 0 {
			t.Errorf("%d bytes are still held", held)
		}
	})
}

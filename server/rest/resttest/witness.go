package resttest

import (
	"compress/gzip"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// witness passes requests on, and checks every answer against the document. It checks the status and the header at
// once, and the body when it ends or is closed.
type witness struct {
	t        testing.TB
	next     http.RoundTripper
	asBridge bool // the door answers as Strimzi's bridge
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := w.next.RoundTrip(r)
	if err == nil {
		got.Body = w.body(got, r.Method, r.URL.RequestURI())
	}
	return got, err
}

func (w *witness) body(got *http.Response, method, path string) io.ReadCloser {
	a := &answer{method: method, path: path, status: got.StatusCode, header: got.Header, asBridge: w.asBridge}
	return &witnessed{ReadCloser: unpacked(got), t: w.t, answer: a}
}

// witnessed is a body that is checked.
type witnessed struct {
	io.ReadCloser

	t      testing.TB
	once   sync.Once
	answer *answer
}

func (w *witnessed) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.answer.body = append(w.answer.body, p[:n]...)
	if err != nil {
		w.answer.whole = err == io.EOF
		w.check()
	}
	return n, err
}

func (w *witnessed) Close() error {
	w.check()
	return w.ReadCloser.Close()
}

func (w *witnessed) check() {
	w.once.Do(func() { TheContract().check(w.t, w.answer) })
}

// lazily is a body that is decompressed when it is read.
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

// unpacked returns the body of an answer as it was before compression.
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

package exchange

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// CompressFrom is the size in bytes from which answers are compressed. Smaller ones fit into a packet anyway.
const CompressFrom = 1 << 10

// compressors have their names in Accept-Encoding, the best first.
var compressors = []struct {
	name string
	pack func([]byte) []byte
}{
	{"zstd", compressZstd},
	{"gzip", compressGzip},
}

// Compressed returns the body in the coding that the client prefers, and names it in the header. Streams are not
// compressed.
func (x *Exchange) Compressed(body []byte) []byte {
	header := x.W.Header()
	header.Add("Vary", "Accept-Encoding")
	best, chosen := 0, -1
	for i, p := range compressors {
		if q := quality(x.R.Header["Accept-Encoding"], p.name); q > best {
			best, chosen = q, i
		}
	}
	if chosen < 0 {
		return body
	}
	header.Set("Content-Encoding", compressors[chosen].name)
	return compressors[chosen].pack(body)
}

// quality returns how much a client wants a coding, in thousandths; 0 is not at all (RFC 9110, 12.5.3).
func quality(accept []string, coding string) int {
	any, found := 0, false
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			name, parameter, _ := strings.Cut(item, ";")
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, coding):
				return weight(parameter)
			case name == "*" && !found:
				any, found = weight(parameter), true
			}
		}
	}
	return any
}

// weight reads "q=0.5" as 500. Without a parameter it is 1000; if that is no number from 0 to 1, it is 0.
func weight(parameter string) int {
	parameter = strings.TrimSpace(parameter)
	if parameter == "" {
		return 1000
	}
	name, value, _ := strings.Cut(parameter, "=")
	q, err := strconv.ParseFloat(value, 32)
	if err != nil || !strings.EqualFold(name, "q") || !(q >= 0 && q <= 1) {
		return 0
	}
	return int(q * 1000)
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // cannot fail: the level exists
	return w
}}

func compressGzip(body []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(body) / 4)
	w, _ := gzipWriters.Get().(*gzip.Writer)
	w.Reset(&out)
	_, _ = w.Write(body) // cannot fail: a buffer takes everything
	_ = w.Close()
	w.Reset(nil)
	gzipWriters.Put(w)
	return out.Bytes()
}

// zstdWriter compresses as many bodies at once as there are processors. More have to wait.
var zstdWriter = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(smallWindow), zstd.WithLowerEncoderMem(true))
	if err != nil { // cannot happen: the options are valid on every machine
		panic(err)
	}
	return w
})

func compressZstd(body []byte) []byte {
	return zstdWriter().EncodeAll(body, make([]byte, 0, len(body)/4))
}

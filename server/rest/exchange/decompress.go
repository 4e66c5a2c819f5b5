package exchange

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The bounds of bodies that come packed, beside those that every body has once it is unpacked.
const (
	// maxRatio is how many times its size a body may unpack to, once that is more than MaxBody: real lines
	// are far from it, and a bomb of zstd unpacks to 30 000 times its size.
	maxRatio    = 1000
	gzipMemory  = 64 << 10
	smallWindow = 1 << 20
	largeWindow = 8 << 20 // what a decoder must support (RFC 9659)
)

// decompressors undo what Content-Encoding names (RFC 9110, 8.4.1; RFC 8878).
var decompressors = map[string]func(*decompressor) error{"gzip": (*decompressor).gzip, "x-gzip": (*decompressor).gzip, "zstd": (*decompressor).zstd}

// acceptedCodings is what a client with another coding is told.
const acceptedCodings = "gzip, zstd"

// decompressor reads a compressed body.
type decompressor struct {
	x      *Exchange
	from   *bufio.Reader
	packed int64 // compressed bytes that were read
	body   io.ReadCloser
	out    io.Reader
	sum    int64  // decompressed bytes that were read
	memory int64  // counted as bytes of bodies
	end    func() // gives the decoder back
}

// Decompress makes the request's body what it was before it was compressed, as Content-Encoding says. It reads nothing
// yet.
func (x *Exchange) Decompress() error {
	coding := strings.ToLower(strings.TrimSpace(strings.Join(x.R.Header["Content-Encoding"], ",")))
	if coding == "" || coding == "identity" {
		return nil
	}
	if decompressors[coding] == nil {
		x.W.Header().Set("Accept-Encoding", acceptedCodings) // RFC 9110, 12.5.3
		return Errorf(http.StatusUnsupportedMediaType, "Content-Encoding %q is not supported: there are %s", coding, acceptedCodings)
	}
	u := &decompressor{x: x, body: x.R.Body, end: func() {}}
	u.from = bufio.NewReader(packedBytes{u})
	u.out = starter{u, decompressors[coding]}
	x.decompressor, x.R.Body = u, u
	return nil
}

// packedBytes counts the compressed bytes that are read.
type packedBytes struct{ *decompressor }

func (p packedBytes) Read(b []byte) (int, error) {
	n, err := p.body.Read(b)
	p.packed += int64(n)
	return n, err
}

// starter reads the first bytes only when somebody reads the body. A client that streams may send them late.
type starter struct {
	*decompressor

	begin func(*decompressor) error
}

func (s starter) Read(b []byte) (int, error) {
	if err := s.begin(s.decompressor); err != nil {
		return 0, err
	}
	return s.out.Read(b)
}

// Read returns decompressed bytes.
func (u *decompressor) Read(b []byte) (int, error) {
	n, err := u.out.Read(b)
	u.sum += int64(n)
	if u.sum > int64(u.x.Opts.MaxBody) && u.sum > maxRatio*u.packed {
		return 0, Errorf(http.StatusRequestEntityTooLarge, "the body unpacks to more than %d times its size", maxRatio)
	}
	return n, err
}

// Close ends the reading of the compressed body.
func (u *decompressor) Close() error { return u.body.Close() }

// hold counts a decoder's memory as bytes of bodies.
func (u *decompressor) hold(n int64) error {
	u.memory = n
	if u.x.Held.Add(n) > int64(u.x.Opts.MaxHeld) {
		return Unavailable("too many large requests at once")
	}
	return nil
}

// release gives the decoder back.
func (u *decompressor) release() {
	u.end()
	u.x.Held.Add(-u.memory)
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func (u *decompressor) gzip() error {
	if err := u.hold(gzipMemory); err != nil {
		return err
	}
	r, _ := gzipReaders.Get().(*gzip.Reader)
	u.end = func() { gzipReaders.Put(r) }
	u.out = r
	return r.Reset(u.from)
}

// zstdReaders are decoders without goroutines, by the largest window that they accept.
var zstdReaders = map[uint64]*sync.Pool{smallWindow: zstdPool(smallWindow), largeWindow: zstdPool(largeWindow)}

func zstdPool(window uint64) *sync.Pool {
	return &sync.Pool{New: func() any {
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
		if err != nil { // cannot happen: the options are constant
			panic(err)
		}
		return r
	}}
}

func (u *decompressor) zstd() error {
	window := uint64(largeWindow)
	if fitsSmallWindow(u.from) {
		window = smallWindow
	}
	if err := u.hold(int64(window)); err != nil { //nolint:gosec // one of two
		return err
	}
	r, _ := zstdReaders[window].Get().(*zstd.Decoder)
	u.end = func() {
		_ = r.Reset(nil) // drops the reference to the body
		zstdReaders[window].Put(r)
	}
	u.out = r
	return r.Reset(u.from)
}

// fitsSmallWindow looks at the header of a frame (RFC 8878, 3.1.1.1). A frame is longer than its header, so to wait
// for these bytes is to wait for no more than the frame.
func fitsSmallWindow(in *bufio.Reader) bool {
	begin, err := in.Peek(6)
	if err != nil {
		return false
	}
	const aloneInSegment = 0x20
	descriptor := begin[4]
	if descriptor&aloneInSegment == 0 {
		base := uint64(1) << (10 + begin[5]>>3)
		return base+base/8*uint64(begin[5]&7) <= smallWindow
	}
	size := descriptor >> 6 // of the field with the content's size: 1, 2, 4 or 8 bytes
	if size < 2 {
		return true
	}
	at := 5 + [4]int{0, 1, 2, 4}[descriptor&3]
	begin, err = in.Peek(at + 4)
	return err == nil && size == 2 && binary.LittleEndian.Uint32(begin[at:]) <= smallWindow
}

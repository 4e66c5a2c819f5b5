package rest

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// body reads the whole body. It is valid until the exchange ends.
func (x *exchange) body() ([]byte, error) {
	if err := x.decompress(); err != nil {
		return nil, err
	}
	limit := int64(x.opts.MaxBody)
	if x.r.ContentLength > limit {
		x.w.Header().Set("Connection", "close") // nobody reads it
		return nil, x.tooLarge()
	}
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, limit)
	defer x.clearReadDeadline()
	x.buffer, _ = buffers.Get().(*[]byte)
	x.held.Add(int64(cap(*x.buffer)))
	for b := (*x.buffer)[:0]; ; {
		if len(b) == cap(b) {
			if b = x.grow(b); b == nil {
				return nil, unavailable("too many large requests at once")
			}
		}
		n, err := x.r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, x.broken(err)
		}
	}
}

// grow makes room by what has come, not by what was announced; nil when all requests together hold too much.
func (x *exchange) grow(b []byte) []byte {
	size := max(firstBuffer, 2*cap(b))
	if n := x.r.ContentLength; n >= 0 && n < firstBuffer*8 { // one more, to see the end in the same read
		size = max(size, int(n)+1)
	}
	if x.held.Add(int64(size-cap(b))) > int64(x.opts.MaxHeld) {
		x.held.Add(int64(cap(b) - size))
		return nil
	}
	larger := make([]byte, len(b), size)
	copy(larger, b)
	*x.buffer = larger
	return larger
}

// release gives the buffer back, and what unpacked the body.
func (x *exchange) release() {
	if x.decompressor != nil {
		x.decompressor.release()
		x.decompressor = nil
	}
	if x.buffer == nil {
		return
	}
	x.held.Add(-int64(cap(*x.buffer)))
	if cap(*x.buffer) <= keptBuffer {
		buffers.Put(x.buffer)
	}
	x.buffer = nil
}

func (x *exchange) tooLarge() error {
	return plain(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", x.opts.MaxBody)
}

// broken says why a body could not be read.
func (x *exchange) broken(err error) error {
	var tooLarge *http.MaxBytesError
	var known *failure
	x.w.Header().Set("Connection", "close") // nobody reads the rest
	switch {
	case errors.As(err, &tooLarge):
		return x.tooLarge()
	case errors.As(err, &known):
		return known
	case errors.Is(err, os.ErrDeadlineExceeded):
		return plain(http.StatusRequestTimeout, "the body did not come within %s", x.opts.BodyTimeout)
	case x.r.Context().Err() != nil:
		return errGone
	}
	return plain(http.StatusBadRequest, "the body could not be read: %v", err)
}

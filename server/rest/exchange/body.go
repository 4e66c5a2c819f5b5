package exchange

import (
	"errors"
	"io"
	"net/http"
	"os"
)

// Body reads the whole body. The bytes are valid until the exchange ends.
func (x *Exchange) Body() ([]byte, error) {
	if err := x.Decompress(); err != nil {
		return nil, err
	}
	limit := int64(x.Opts.MaxBody)
	if x.R.ContentLength > limit {
		x.W.Header().Set("Connection", "close") // the body is not read
		return nil, x.tooLarge()
	}
	x.R.Body = http.MaxBytesReader(x.W, x.R.Body, limit)
	defer x.ClearReadDeadline()
	x.takeBuffer()
	for b := (*x.buffer)[:0]; ; {
		if len(b) == cap(b) {
			if b = x.grow(b); b == nil {
				return nil, Unavailable("too many large requests at once")
			}
		}
		n, err := x.R.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, x.BodyError(err)
		}
	}
}

// takeBuffer takes the buffer of an earlier request. If all requests together then held too much, it begins without one:
// this body may be small.
func (x *Exchange) takeBuffer() {
	x.buffer, _ = bodyBuffers.Get().(*[]byte)
	if size := int64(cap(*x.buffer)); x.Held.Add(size) > int64(x.Opts.MaxHeld) {
		x.Held.Add(-size)
		*x.buffer = nil
	}
}

// grow doubles the buffer; it does not trust the announced length. It returns nil if all requests together hold too
// much.
func (x *Exchange) grow(b []byte) []byte {
	size := max(firstBody, 2*cap(b))
	if n := x.R.ContentLength; n >= 0 && n < firstBody*8 { // one more byte, to see the end in the same read
		size = max(size, int(n)+1)
	}
	if x.Held.Add(int64(size-cap(b))) > int64(x.Opts.MaxHeld) {
		x.Held.Add(int64(cap(b) - size))
		return nil
	}
	larger := make([]byte, len(b), size)
	copy(larger, b)
	*x.buffer = larger
	return larger
}

// release gives the buffer and the decompressor back.
func (x *Exchange) release() {
	if x.decompressor != nil {
		x.decompressor.release()
		x.decompressor = nil
	}
	if x.buffer == nil {
		return
	}
	x.Held.Add(-int64(cap(*x.buffer)))
	if cap(*x.buffer) <= keptBytes {
		bodyBuffers.Put(x.buffer)
	}
	x.buffer = nil
}

// tooLarge is the answer for a body that is too long.
func (x *Exchange) tooLarge() error {
	return Errorf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", x.Opts.MaxBody)
}

// BodyError is the answer for a body that could not be read.
func (x *Exchange) BodyError(err error) error {
	var tooLarge *http.MaxBytesError
	var known *Failure
	x.W.Header().Set("Connection", "close") // the rest is not read
	switch {
	case errors.As(err, &tooLarge):
		return x.tooLarge()
	case errors.As(err, &known):
		return known
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Errorf(http.StatusRequestTimeout, "the body did not come within %s", x.Opts.BodyTimeout)
	case x.R.Context().Err() != nil:
		return ErrGone
	}
	return Errorf(http.StatusBadRequest, "the body could not be read: %v", err)
}

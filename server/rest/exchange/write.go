package exchange

import (
	"net/http"
	"slices"
	"time"
)

// The pieces of an answer. Over HTTP/1 a client may read nothing for WriteTimeout before it is cut. Over HTTP/2 it must
// read a whole piece in that time: net/http does not tell how far a piece has come.
const piece, pieceHTTP2 = 256 << 10, 16 << 10

// WriteBody sends a part of the answer's body.
func (x *Exchange) WriteBody(p []byte) error {
	size := piece
	if x.R.ProtoMajor > 1 {
		size = pieceHTTP2
	}
	for part := range slices.Chunk(p, size) {
		if err := x.inTime(func(*http.ResponseController) error { _, err := x.W.Write(part); return err }); err != nil {
			return err
		}
	}
	return nil
}

// Flush sends what net/http has buffered of the answer. Without it net/http hides whether that was written.
func (x *Exchange) Flush() error { return x.inTime((*http.ResponseController).Flush) }

// inTime gives a write its deadline. Over HTTP/2 a deadline also ends a stream that writes nothing, because there is
// nothing to write: it goes on to the time of a whole answer then.
func (x *Exchange) inTime(write func(*http.ResponseController) error) error {
	control := http.NewResponseController(x.W)
	_ = control.SetWriteDeadline(time.Now().Add(x.Opts.WriteTimeout))
	err := write(control)
	if x.R.ProtoMajor > 1 {
		_ = control.SetWriteDeadline(time.Now().Add(x.Opts.AnswerTime()))
	}
	return err
}

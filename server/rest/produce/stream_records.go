package produce

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/httpconn"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// produce sends records while the window has room.
func (s *recordStream) produce() error {
	for len(s.chunk) > 0 && !s.window.isFull() {
		text, rest, err := s.codec.Cut(s.chunk)
		s.chunk = rest
		s.line++
		if err != nil {
			s.push().Failure = exchange.AsFailure(err)
			s.source, s.chunk, s.garbled = nil, nil, true
			break
		}
		if len(text) == 0 {
			continue
		}
		if err := s.produceOne(text); err != nil {
			return err
		}
	}
	if len(s.chunk) == 0 && s.buffer != nil {
		s.chunks.free <- s.buffer // never blocks: it has room for both buffers
		s.buffer = nil
	}
	return nil
}

// push adds the next record to the window, which has room.
func (s *recordStream) push() *Pending {
	return s.window.push(Pending{Line: s.line, until: time.Now().Add(s.Opts.AckTimeout)})
}

// produceOne sends one record, or notes why it was not sent. The error says that the client has gone.
func (s *recordStream) produceOne(text []byte) error {
	p := s.push()
	out, err := s.codec.Read(text, p)
	if err == nil {
		err = s.delivery.Enqueue(s.R.Context(), s.delivery.Publisher.Send, &out, time.Now().Add(s.Opts.QueueTimeout))
	}
	if errors.Is(err, exchange.ErrGone) {
		s.window.drop()
		return s.gone()
	}
	if err != nil {
		p.Failure = exchange.AsFailure(err)
	}
	return nil
}

// report writes the result of a record that was sent.
func (s *recordStream) report(p *Pending, r *kafka.Result) {
	if r.Err != nil {
		s.reportFailure(p, exchange.NotWritten(r.Err))
		return
	}
	s.out = s.codec.AppendResult(s.out, p, r)
	s.spill()
}

// reportFailure writes the result of a record that is not written; nil is the stream itself.
func (s *recordStream) reportFailure(p *Pending, f *exchange.Failure) {
	s.out = s.codec.AppendFailure(s.out, p, f)
	s.spill()
}

// spill writes the results if there are many, so that the buffer does not grow while nobody waits.
func (s *recordStream) spill() {
	if len(s.out) >= ChunkBytes {
		s.flush()
	}
}

// flush sends the results so far. A client that does not read them is cut: the next wait sees that.
func (s *recordStream) flush() {
	if len(s.out) == 0 {
		return
	}
	if s.Status == 0 {
		s.Begin(http.StatusOK, s.codec.ContentType())
	}
	if s.WriteBody(s.out) == nil {
		_ = s.Flush()
	}
	s.out = s.out[:0]
}

// finish says why the records ended, unless the body did.
func (s *recordStream) finish() error {
	if s.drains == nil {
		return s.conclude(exchange.Unavailable("sluice is stopping: send what has no result elsewhere"))
	}
	if !s.garbled && !errors.Is(s.chunks.err, io.EOF) { // err is valid: the channel is closed
		return s.conclude(s.BodyError(s.chunks.err))
	}
	s.flush()
	if s.Status == 0 { // there was no record
		if err := s.codec.Empty(); err != nil {
			return err
		}
		s.Begin(http.StatusOK, s.codec.ContentType())
	}
	return nil
}

// conclude ends the answer with a failure of the stream. If nothing was written yet, the failure is the answer.
func (s *recordStream) conclude(err error) error {
	if errors.Is(err, exchange.ErrGone) || s.Status == 0 && len(s.out) == 0 {
		return err
	}
	httpconn.MarkRefused(s.R)
	s.reportFailure(nil, exchange.AsFailure(err))
	s.flush()
	return nil
}

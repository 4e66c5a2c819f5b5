package rest

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/httpconn"
)

// produce sends records while the window has room.
func (s *stream) produce() error {
	for len(s.chunk) > 0 && s.n < bulkWindow {
		text, rest, err := s.dialect.cut(s.chunk)
		s.chunk = rest
		s.line++
		if err != nil {
			s.push().failure = asFailure(err)
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
		s.lines.free <- s.buffer // has room for both buffers
		s.buffer = nil
	}
	return nil
}

// push makes room in the window, which has some, for the record that comes next.
func (s *stream) push() *pending {
	p := &s.window[(s.first+s.n)%bulkWindow]
	*p = pending{line: s.line, until: time.Now().Add(s.opts.AckTimeout)}
	s.n++
	return p
}

// produceOne sends one record, or notes why not. The error says that the client has gone.
func (s *stream) produceOne(text []byte) error {
	p := s.push()
	out, err := s.dialect.read(text, p)
	if err == nil {
		err = s.desk.hand(s.r.Context(), s.desk.publisher.Send, &out, time.Now().Add(s.opts.QueueTimeout))
	}
	if errors.Is(err, errGone) {
		s.n--
		return s.gone()
	}
	if err != nil {
		p.failure = asFailure(err)
	}
	return nil
}

// tell writes the result of a record that was sent.
func (s *stream) tell(p *pending, r *kafka.Result) {
	if r.Err != nil {
		s.tellFailure(p, ended(r.Err))
		return
	}
	s.out = s.dialect.tell(s.out, p, r)
	s.spill()
}

// tellFailure writes the result of one that is not written, or of the stream itself when p is nil.
func (s *stream) tellFailure(p *pending, f *failure) {
	s.out = s.dialect.tellFailure(s.out, p, f)
	s.spill()
}

// spill keeps out from growing while nobody waits.
func (s *stream) spill() {
	if len(s.out) >= lineBuffer {
		s.flush()
	}
}

// flush sends the results so far. A client that does not take them is cut: the next wait sees it.
func (s *stream) flush() {
	if len(s.out) == 0 {
		return
	}
	control := http.NewResponseController(s.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if s.status == 0 {
		s.begin(http.StatusOK, s.dialect.kind())
	}
	_, _ = s.w.Write(s.out)
	_ = control.Flush()
	s.out = s.out[:0]
}

// finish says why the records ended, unless the body did.
func (s *stream) finish() error {
	if s.drains == nil {
		return s.conclude(unavailable("sluice is stopping: send what has no result elsewhere"))
	}
	if !s.garbled && !errors.Is(s.lines.err, io.EOF) { // lines.err is there once its channel is closed
		return s.conclude(s.broken(s.lines.err))
	}
	s.flush()
	if s.status == 0 { // not one record
		if err := s.dialect.none(); err != nil {
			return err
		}
		s.begin(http.StatusOK, s.dialect.kind())
	}
	return nil
}

// conclude ends the answer with a failure that is of no record, or is one, when nothing was said yet.
func (s *stream) conclude(err error) error {
	if errors.Is(err, errGone) || s.status == 0 && len(s.out) == 0 {
		return err
	}
	httpconn.MarkRefused(s.r)
	s.tellFailure(nil, asFailure(err))
	s.flush()
	return nil
}

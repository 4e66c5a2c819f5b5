package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// produce sends lines while the window has room.
func (s *stream) produce() error {
	for len(s.chunk) > 0 && s.n < bulkWindow {
		line := s.chunk
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
			s.chunk = s.chunk[i+1:]
		} else {
			s.chunk = nil
		}
		s.line++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := s.produceLine(line); err != nil {
			return err
		}
	}
	if len(s.chunk) == 0 && s.buffer != nil {
		s.lines.free <- s.buffer // has room for both buffers
		s.buffer = nil
	}
	return nil
}

// produceLine sends one line, or notes why not. The error says that the client has gone.
func (s *stream) produceLine(line []byte) error {
	now := time.Now()
	p := &s.window[(s.first+s.n)%bulkWindow]
	*p = pending{line: s.line, until: now.Add(s.opts.AckTimeout)}
	out, err := s.batch.one(line)
	if err == nil {
		err = s.desk.hand(s.r.Context(), s.desk.publisher.Send, &out, now.Add(s.opts.QueueTimeout))
	}
	if errors.Is(err, errGone) {
		return s.gone()
	}
	if err != nil {
		p.failure = asFailure(err)
	}
	s.n++
	return nil
}

// tell writes the result of a line.
func (s *stream) tell(line int64, r *kafka.Result) {
	if r.Err != nil {
		s.tellFailure(line, ended(r.Err))
		return
	}
	s.out = append(s.out, `{"line":`...)
	s.out = strconv.AppendInt(s.out, line, 10)
	s.out = append(appendPlace(s.out, r), '\n')
	s.spill()
}

func (s *stream) tellFailure(line int64, f *failure) {
	s.out = append(s.out, '{')
	if line > 0 {
		s.out = append(s.out, `"line":`...)
		s.out = append(strconv.AppendInt(s.out, line, 10), ',')
	}
	s.out = append(s.out, `"error_code":`...)
	s.out = strconv.AppendInt(s.out, int64(f.code), 10)
	s.out = append(s.out, `,"message":`...)
	s.out = appendText(s.out, f.message)
	if f.outcome != "" {
		s.out = append(s.out, `,"outcome":"`+f.outcome+`"`...)
	}
	s.out = append(s.out, "}\n"...)
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
		s.begin(http.StatusOK, ndjsonType)
	}
	_, _ = s.w.Write(s.out)
	_ = control.Flush()
	s.out = s.out[:0]
}

// finish says why the lines ended, unless the body did.
func (s *stream) finish() error {
	if s.drains == nil {
		return s.conclude(unavailable("sluice is stopping: send what has no result elsewhere"))
	}
	if !errors.Is(s.lines.err, io.EOF) {
		return s.conclude(s.broken(s.lines.err))
	}
	s.flush()
	if s.status == 0 { // not one line
		s.begin(http.StatusOK, ndjsonType)
	}
	return nil
}

// conclude ends the answer with a failure that is of no line, or is one, when nothing was said yet.
func (s *stream) conclude(err error) error {
	if errors.Is(err, errGone) || s.status == 0 && len(s.out) == 0 {
		return err
	}
	s.tellFailure(0, asFailure(err))
	s.flush()
	return nil
}

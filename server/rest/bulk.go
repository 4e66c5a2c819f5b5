package rest

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// bulkWindow bounds the records of one stream whose results are not written yet.
const bulkWindow = 1000

// dialect is how the records of a stream are written, and their results.
type dialect interface {
	// kind is the media type of the results.
	kind() string
	// whole is how many of the unread bytes are whole records. It is asked by the goroutine that reads,
	// the others by the one that produces.
	whole(unread []byte) int
	// cut takes the first record off a chunk; one without text is none. An error ends the stream: nobody
	// knows where the next record begins.
	cut(chunk []byte) (text, rest []byte, err error)
	// read makes a record of its text, and notes what its result needs. The record is valid until the next.
	read(text []byte, p *pending) (kafka.Outgoing, error)
	// tell appends the result of a record that is written.
	tell(out []byte, p *pending, r *kafka.Result) []byte
	// tellFailure appends the result of one that is not; p is nil for a failure of the stream itself.
	tellFailure(out []byte, p *pending, f *failure) []byte
	// none is what is wrong with a body without a record; nil for nothing.
	none() error
}

// stream produces the records of a body, and writes a result for each when its end is known, in their order.
// It holds the buffers of its records and the window, however long the body is.
type stream struct {
	*exchange

	dialect dialect
	desk    *desk
	lines   *lines
	source  <-chan []byte   // of records; nil when there are no more
	drains  <-chan struct{} // closed when sluice stops
	oldest  *time.Timer     // until a result is waited for no longer
	buffer  []byte          // records as they came
	chunk   []byte          // those of them that are not produced yet
	line    int64           // number of the last one that is
	garbled bool            // the rest of the body makes no sense
	results []kafka.Result  // room for one
	out     []byte          // results that are not sent yet

	window []pending // a ring of bulkWindow
	first  int
	n      int
}

// stream produces the records of the body.
func (x *exchange) stream(as dialect) error {
	d, err := x.desk()
	if err != nil {
		return err
	}
	defer d.close()
	s := &stream{
		exchange: x, dialect: as, desk: d, drains: x.drains, oldest: time.NewTimer(x.opts.AckTimeout), window: make([]pending, bulkWindow),
	}
	defer s.oldest.Stop()
	// HTTP/1: results are written while records come.
	_ = http.NewResponseController(x.w).EnableFullDuplex()
	s.lines = x.lines(as.whole)
	defer s.lines.end()
	s.source = s.lines.chunks
	return s.run()
}

// run goes on until every record has its result.
func (s *stream) run() error {
	for s.source != nil || len(s.chunk) > 0 || s.n > 0 {
		if err := s.produce(); err != nil {
			return err
		}
		s.collect()
		if len(s.chunk) > 0 && s.n < bulkWindow {
			continue
		}
		if err := s.wait(); err != nil {
			return err
		}
	}
	return s.finish()
}

// wait returns when there may be something to do.
func (s *stream) wait() error {
	if s.n == 0 && s.source == nil {
		return nil
	}
	s.flush()
	source := s.source
	if len(s.chunk) > 0 { // the window is full
		source = nil
	}
	if s.n > 0 {
		s.oldest.Reset(time.Until(s.window[s.first].until))
	}
	select {
	case chunk, more := <-source:
		if s.buffer, s.chunk = chunk, chunk; !more {
			s.source = nil
		}
	case <-s.desk.bell:
	case <-s.oldest.C:
		s.overdue()
	case <-s.drains: // what was not produced has no result: the client sends it elsewhere
		s.source, s.chunk, s.drains = nil, nil, nil
	case <-s.r.Context().Done():
		return s.gone()
	}
	return nil
}

// gone leaves what was sent to itself.
func (s *stream) gone() error {
	sent := 0
	for i := range s.n {
		if s.window[(s.first+i)%bulkWindow].failure == nil {
			sent++
		}
	}
	s.desk.publisher.Forsake(sent)
	return errGone
}

// overdue gives up the oldest record.
func (s *stream) overdue() {
	if s.n == 0 || time.Now().Before(s.window[s.first].until) {
		return
	}
	s.results = s.desk.giveUp(1, s.results[:0])
	s.tell(&s.window[s.first], &s.results[0])
	s.shift()
}

func (s *stream) shift() {
	s.first, s.n = (s.first+1)%bulkWindow, s.n-1
}

// collect writes the results that are there, up to the first record that has none. The desk's bell rings
// when that has one.
func (s *stream) collect() {
	for s.n > 0 {
		p := &s.window[s.first]
		if p.failure != nil {
			s.tellFailure(p, p.failure)
			s.shift()
			continue
		}
		results, ok := s.desk.publisher.Results(1, s.results[:0])
		if !ok {
			return
		}
		s.results = results
		s.tell(p, &results[0])
		s.shift()
	}
}

// embedded is what version 3's report tells of a key or a value: how it was written, and its bytes in Kafka.
type embedded struct {
	kind string // empty when there was none
	size int
}

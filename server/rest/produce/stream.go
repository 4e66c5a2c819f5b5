package produce

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Codec is how the records of a stream and their results are written.
type Codec interface {
	// ContentType is the media type of the results.
	ContentType() string
	// Whole returns how many of the unread bytes are whole records. The goroutine that reads calls it; the one that
	// produces calls the other methods.
	Whole(unread []byte) int
	// Cut returns the first record of a chunk, and the rest. A record without text is none. After an error the stream
	// ends: nobody knows where the next record begins.
	Cut(chunk []byte) (text, rest []byte, err error)
	// Read makes a record of its text, and notes what its result needs. The record is valid until the next call.
	Read(text []byte, p *Pending) (kafka.Outgoing, error)
	// AppendResult appends the result of a record that is written.
	AppendResult(out []byte, p *Pending, r *kafka.Result) []byte
	// AppendFailure appends the result of a record that is not written. A nil record is a failure of the stream
	// itself.
	AppendFailure(out []byte, p *Pending, f *exchange.Failure) []byte
	// Empty is the answer to a body without a record; nil if such a body is allowed.
	Empty() error
}

// recordStream produces the records of a body, and writes their results in the same order. Its memory is the buffers
// of the records and the window, however long the body is.
type recordStream struct {
	*exchange.Exchange

	codec    Codec
	delivery *Delivery
	chunks   *chunkReader
	source   <-chan []byte   // of records; nil if there are no more
	drains   <-chan struct{} // closed when sluice stops
	patience *time.Timer     // ends the wait for the oldest result
	buffer   []byte          // records as they came
	chunk    []byte          // the records of buffer that are not produced yet
	line     int64           // number of the last record that was produced
	garbled  bool            // the rest of the body makes no sense
	results  []kafka.Result  // room for one
	out      []byte          // results that are not sent yet
	window   window
}

// Stream produces the records of the body.
func Stream(x *exchange.Exchange, as Codec) error {
	d, err := NewDelivery(x)
	if err != nil {
		return err
	}
	defer d.Close()
	s := &recordStream{
		Exchange: x, codec: as, delivery: d, drains: x.Drains, patience: time.NewTimer(x.Opts.AckTimeout), window: newWindow(),
	}
	defer s.patience.Stop()
	// HTTP/1: results are written while records come.
	_ = http.NewResponseController(x.W).EnableFullDuplex()
	s.chunks = newChunkReader(x, as.Whole)
	defer s.chunks.end()
	s.source = s.chunks.chunks
	return s.run()
}

// run goes on until every record has its result.
func (s *recordStream) run() error {
	for s.source != nil || len(s.chunk) > 0 || s.window.n > 0 {
		if err := s.produce(); err != nil {
			return err
		}
		s.collect()
		if len(s.chunk) > 0 && !s.window.isFull() {
			continue
		}
		if err := s.wait(); err != nil {
			return err
		}
	}
	return s.finish()
}

// wait returns when there may be something to do.
func (s *recordStream) wait() error {
	if s.window.n == 0 && s.source == nil {
		return nil
	}
	s.flush()
	source := s.source
	if len(s.chunk) > 0 { // the window is full
		source = nil
	}
	if s.window.n > 0 {
		s.patience.Reset(time.Until(s.window.oldest().until))
	}
	select {
	case chunk, more := <-source:
		if s.buffer, s.chunk = chunk, chunk; !more {
			s.source = nil
		}
	case <-s.delivery.bell:
	case <-s.patience.C:
		s.overdue()
	case <-s.drains: // a record without a result was not produced: the client sends it elsewhere
		s.source, s.chunk, s.drains = nil, nil, nil
	case <-s.R.Context().Done():
		return s.gone()
	}
	return nil
}

// gone ends the stream of a client that has gone. What was sent stays on its way.
func (s *recordStream) gone() error {
	s.delivery.Publisher.Forget(s.window.sent())
	return exchange.ErrGone
}

// overdue ends the wait for the oldest record.
func (s *recordStream) overdue() {
	if s.window.n == 0 || time.Now().Before(s.window.oldest().until) {
		return
	}
	s.results = s.delivery.abandon(1, s.results[:0])
	s.report(s.window.oldest(), &s.results[0])
	s.window.shift()
}

// collect writes results, up to the first record that has none yet. The delivery's bell rings when that has one.
func (s *recordStream) collect() {
	for s.window.n > 0 {
		p := s.window.oldest()
		if p.Failure != nil {
			s.reportFailure(p, p.Failure)
			s.window.shift()
			continue
		}
		results, ok := s.delivery.Publisher.Results(1, s.results[:0])
		if !ok {
			return
		}
		s.results = results
		s.report(p, &results[0])
		s.window.shift()
	}
}

// Data is what a report of version 3 tells about a key or a value: its type, and its bytes in Kafka.
type Data struct {
	Kind string // empty if there was no key or value
	Size int
}

package management

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// DeadLetters is the answer of GET /dlq: the dead-letter topics, by name.
type DeadLetters struct {
	Sample int               `json:"sample"` // at most so many of a topic's newest letters were looked at
	Topics []DeadLetterTopic `json:"topics"`
}

// DeadLetterTopic is a dead-letter topic, and what a sample of its newest letters says.
type DeadLetterTopic struct {
	Topic   string     `json:"topic"`
	Records int64      `json:"records"` // from the first to the last offset of each partition
	Oldest  *time.Time `json:"oldest"`  // null if it is not known
	Sampled int        `json:"sampled"`
	Class   string     `json:"top_class"` // (reason) of letters without a class; empty for none
	OfClass int        `json:"of_top_class"`
}

// deadLetters answers GET /dlq[?topic=<name>...].
func (s *Server) deadLetters(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, func(ctx context.Context, q url.Values) (any, error) {
		list, err := s.sources.Kafka.DeadLetterTopics(ctx, q["topic"])
		if err != nil {
			return nil, err
		}
		body := DeadLetters{kafka.LetterSample, []DeadLetterTopic{}}
		for i := range list {
			d := &list[i]
			body.Topics = append(body.Topics, DeadLetterTopic{d.Name, d.Records, known(d.Oldest), d.Sampled, d.Top, d.OfTop})
		}
		return body, nil
	})
}

// DeadLetter is the answer of GET /dlq/letter: what a dead letter says of itself, and the record as it lies in the log. The
// record's headers are the source's.
type DeadLetter struct {
	Peeked

	Source          string     `json:"source"` // topic:partition:offset; empty for a record that is no dead letter
	SourceTimestamp *time.Time `json:"source_timestamp"`
	Group           string     `json:"group"`
	Reason          string     `json:"reason"`
	Class           string     `json:"class"`
	Message         string     `json:"message"`
	Backtrace       string     `json:"backtrace"`
	Attempts        int        `json:"attempts"`
	FirstFailedAt   *time.Time `json:"first_failed_at"`
	FailedAt        *time.Time `json:"failed_at"`
	Client          string     `json:"client"`
	Trace           string     `json:"trace_id"`
	Replays         int        `json:"replays"`
	Pointer         bool       `json:"pointer"` // parts of the source are left out
	SourceSize      int        `json:"source_size,omitempty"`
}

// deadLetter answers GET /dlq/letter?record=<topic>:<partition>:<offset>.
func (s *Server) deadLetter(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, func(ctx context.Context, q url.Values) (any, error) {
		record, err := s.recordOf(ctx, q)
		if err != nil {
			return nil, err
		}
		body := DeadLetter{Peeked: peeked(q.Get("record"), record)}
		f, is := kafka.FindDeadLetter(record)
		if !is {
			return body, nil
		}
		body.Headers = headersOf(f.Headers)
		body.Source, body.Group = fmt.Sprintf("%s:%d", f.Source, f.Offset), f.Group
		body.Reason, body.Class = string(f.Failure.Reason), f.Failure.Class
		body.Message, body.Backtrace = f.Failure.Message, f.Failure.Backtrace
		body.Attempts, body.FirstFailedAt, body.FailedAt = f.Attempts, known(f.First), known(f.Last)
		body.Client, body.Trace, body.Replays = f.Client, f.Trace, f.Replays
		if f.SourceTimestamp >= 0 {
			body.SourceTimestamp = known(time.UnixMilli(f.SourceTimestamp))
		}
		if f.Pointer {
			body.Pointer, body.SourceSize = true, f.SourceSize
		}
		return body, nil
	})
}

// known is a time, or null for one that is not known.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

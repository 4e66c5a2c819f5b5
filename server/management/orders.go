package management

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// orderTimeout bounds a question to the brokers; it stays below what a request may take.
const orderTimeout = 20 * time.Second

// mostLeases bounds one answer.
const mostLeases = 10_000

// Leases is the answer of GET /leases: what members hold, the oldest first.
type Leases struct {
	Total  int     `json:"total"` // there may be more than are listed
	Leases []Lease `json:"leases"`
}

// Lease is a record in the hands of a member.
type Lease struct {
	Group   string  `json:"group"`
	Record  string  `json:"record"` // topic:partition:offset
	Holder  string  `json:"holder"`
	Seconds float64 `json:"seconds"` // since it was lent
	Attempt int     `json:"attempt"`
}

// leases answers GET /leases?group=<name>.
func (s *Server) leases(w http.ResponseWriter, r *http.Request) {
	if s.sources.Kafka == nil {
		refuse(w, http.StatusServiceUnavailable, notStarted)
		return
	}
	list, total := s.sources.Kafka.Leases(r.URL.Query().Get("group"), mostLeases)
	body := Leases{total, []Lease{}}
	for i := range list {
		l := &list[i]
		body.Leases = append(body.Leases, Lease{l.Group, fmt.Sprintf("%s:%d", l.TopicPartition, l.Offset), l.Holder, l.Age.Seconds(), l.Attempt})
	}
	answer(w, http.StatusOK, body)
}

// Moved is the answer of POST /groups/seek.
type Moved struct {
	Group string `json:"group"`
	Done  bool   `json:"done"` // false for dry_run
	Moves []Move `json:"moves"`
}

// Move is where a group goes on in a partition, and where it was: null if it had committed nothing.
type Move struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      *int64 `json:"from"`
	To        int64  `json:"to"`
	End       int64  `json:"end"`
}

// seek answers POST /groups/seek?group=<name>&topic=<topic>[:<partition>]&to=<where>[&dry_run=true].
func (s *Server) seek(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, func(ctx context.Context, q url.Values) (any, error) {
		group, err := needed(q, "group")
		if err != nil {
			return nil, err
		}
		targets, err := s.targets(ctx, q)
		if err != nil {
			return nil, err
		}
		moves, err := s.sources.Kafka.PlanGroupOffsets(ctx, group, targets)
		if err != nil {
			return nil, err
		}
		body := Moved{Group: group, Done: q.Get("dry_run") != "true", Moves: []Move{}}
		if body.Done {
			if _, err = s.sources.Kafka.SetGroupOffsets(ctx, group, targets); err != nil {
				return nil, err
			}
		}
		for _, m := range moves {
			move := Move{m.Topic, m.Partition, nil, m.To, m.End}
			if m.From >= 0 {
				move.From = &m.From
			}
			body.Moves = append(body.Moves, move)
		}
		return body, nil
	})
}

// targets are where a group is to go on: in one partition, or in all of a topic.
func (s *Server) targets(ctx context.Context, q url.Values) (targets []kafka.Target, err error) {
	name, err := needed(q, "topic")
	if err != nil {
		return nil, err
	}
	to, err := ParseTarget(q.Get("to"), time.Now())
	if err != nil {
		return nil, err
	}
	topic, partition, one := strings.Cut(name, ":")
	if one {
		n, err := strconv.ParseInt(partition, 10, 32)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("topic %s: %q is no partition", name, partition)
		}
		to.TopicPartition = kafka.TopicPartition{Topic: topic, Partition: int32(n)}
		return []kafka.Target{to}, nil
	}
	t, err := s.sources.Kafka.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	if to.Offset >= 0 && len(t.Partitions) > 1 {
		return nil, fmt.Errorf("topic %s has %d partitions: an offset is one of a partition, as in %s:0", topic, len(t.Partitions), topic)
	}
	for _, p := range t.Partitions {
		to.TopicPartition = kafka.TopicPartition{Topic: topic, Partition: p.ID}
		targets = append(targets, to)
	}
	return targets, nil
}

// ParseTarget reads where to go on: earliest, latest, an offset, a time as in RFC 3339, or how long ago, as in -1h.
func ParseTarget(text string, now time.Time) (t kafka.Target, err error) {
	switch text {
	case "earliest":
		t.Offset = kafka.Earliest
		return t, nil
	case "latest":
		t.Offset = kafka.Latest
		return t, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		t.Offset = n
		return t, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		ago, bad := time.ParseDuration(text)
		if bad != nil || ago >= 0 {
			return t, fmt.Errorf("to %q: it must be earliest, latest, an offset, a time such as 2026-11-29T08:00:00Z, or -1h", text)
		}
		at = now.Add(ago)
	}
	t.Offset, t.Time = kafka.AtTime, at.UnixMilli()
	return t, nil
}

// Skipped is the answer of POST /groups/skip.
type Skipped struct {
	Group  string `json:"group"`
	Record string `json:"record"`
	Done   bool   `json:"done"` // false for dry_run
}

// skip answers POST /groups/skip?group=<name>&record=<topic>:<partition>:<offset>[&dry_run=true].
func (s *Server) skip(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, func(ctx context.Context, q url.Values) (any, error) {
		group, err := needed(q, "group")
		if err != nil {
			return nil, err
		}
		tp, offset, err := parseRecord(q)
		if err != nil {
			return nil, err
		}
		done := q.Get("dry_run") != "true"
		return Skipped{group, q.Get("record"), done}, s.sources.Kafka.SkipRecord(ctx, group, tp, offset, !done)
	})
}

// Peeked is the answer of GET /peek: a record as it lies in the log. Bytes are as JSON has them, in Base64.
type Peeked struct {
	Record    string         `json:"record"`
	Timestamp int64          `json:"timestamp"` // milliseconds since the epoch, -1 for none
	Key       []byte         `json:"key"`       // null for none
	Value     []byte         `json:"value"`     // null for a tombstone
	Headers   []PeekedHeader `json:"headers"`
}

// PeekedHeader is one header; names may repeat.
type PeekedHeader struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// peek answers GET /peek?record=<topic>:<partition>:<offset>.
func (s *Server) peek(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, func(ctx context.Context, q url.Values) (any, error) {
		record, err := s.recordOf(ctx, q)
		if err != nil {
			return nil, err
		}
		return peeked(q.Get("record"), record), nil
	})
}

// recordOf reads the record that a query names.
func (s *Server) recordOf(ctx context.Context, q url.Values) (*kafka.Record, error) {
	tp, offset, err := parseRecord(q)
	if err != nil {
		return nil, err
	}
	page, err := s.sources.Kafka.Read(ctx, kafka.ReadRequest{Target: kafka.Target{TopicPartition: tp, Offset: offset}, Records: 1, Bytes: 1})
	switch {
	case err != nil:
		return nil, err
	case len(page.Records) == 0 || page.Records[0].Offset != offset:
		return nil, fmt.Errorf("there is no record %s: the partition holds %d up to, but not including, %d, and not every offset is a record", q.Get("record"), page.Begin, page.End)
	}
	return &page.Records[0], nil
}

func peeked(name string, r *kafka.Record) Peeked {
	return Peeked{name, r.Timestamp, r.Key, r.Value, headersOf(r.Headers)}
}

func headersOf(headers []kafka.Header) []PeekedHeader {
	list := []PeekedHeader{}
	for _, h := range headers {
		list = append(list, PeekedHeader(h))
	}
	return list
}

// order runs what asks the brokers, and answers with its result or its error.
func (s *Server) order(w http.ResponseWriter, r *http.Request, run func(context.Context, url.Values) (any, error)) {
	if s.sources.Kafka == nil {
		refuse(w, http.StatusServiceUnavailable, notStarted)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderTimeout)
	defer cancel()
	body, err := run(ctx, r.URL.Query())
	switch {
	case err == nil:
		answer(w, http.StatusOK, body)
	case errors.Is(err, kafka.ErrForeign):
		refuse(w, http.StatusConflict, "the group has members that are not sluice's: only they can move it, or stop them")
	case errors.Is(err, kafka.ErrNoAnswer), errors.Is(err, kafka.ErrMaybe):
		refuse(w, http.StatusGatewayTimeout, err.Error())
	default:
		refuse(w, http.StatusBadRequest, err.Error())
	}
}

const notStarted = "there is no client of Kafka yet: starting"

func needed(q url.Values, name string) (string, error) {
	if q.Get(name) == "" {
		return "", fmt.Errorf("which %s? It is missing", name)
	}
	return q.Get(name), nil
}

// parseRecord reads topic:partition:offset.
func parseRecord(q url.Values) (tp kafka.TopicPartition, offset int64, err error) {
	text, err := needed(q, "record")
	if err != nil {
		return tp, 0, err
	}
	parts := strings.Split(text, ":")
	if len(parts) == 3 {
		partition, bad := strconv.ParseInt(parts[1], 10, 32)
		at, worse := strconv.ParseInt(parts[2], 10, 64)
		if parts[0] != "" && bad == nil && worse == nil && partition >= 0 && at >= 0 {
			return kafka.TopicPartition{Topic: parts[0], Partition: int32(partition)}, at, nil
		}
	}
	return tp, 0, fmt.Errorf("%q is no record: it must look like <topic>:<partition>:<offset>", text)
}

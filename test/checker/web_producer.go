package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// webProducer is a producer that speaks HTTP: a batch is one request, answered record by record, or with
// async not at all.
type webProducer struct {
	*client
	next int
}

type webRecord struct {
	Key       []byte `json:"key"` // base64 in JSON, as REST v2 has it
	Value     []byte `json:"value"`
	Timestamp int64  `json:"timestamp,omitempty"`
}

// webResult is how one record ended. The message of one that failed begins with its outcome.
type webResult struct {
	Code  *int   `json:"error_code"`
	Error string `json:"error"`
}

func (p *webProducer) session(w *web) error {
	tick := time.NewTicker(time.Duration(p.depth()) * time.Second / time.Duration(p.Rate))
	defer tick.Stop()
	for !p.stopped.Load() && !w.over {
		if err := p.batch(w); err != nil {
			_ = p.journal.flush()
			return err
		}
		<-tick.C
	}
	return nil
}

func (p *webProducer) batch(w *web) error {
	var records []webRecord
	for range p.depth() {
		r := p.record(p.next)
		if err := p.journal.note(sent, place{Topic: p.Topic}, string(r.Value), p.mark()); err != nil {
			return err
		}
		records = append(records, r)
		p.next++
	}
	if err := p.journal.flush(); err != nil {
		return err
	}
	var answer struct {
		Offsets []webResult `json:"offsets"`
	}
	err := w.ask(http.MethodPost, p.path(), map[string]any{"records": records}, &answer)
	return p.note(records, answer.Offsets, err)
}

// record is the nth record.
func (p *webProducer) record(n int) webRecord {
	r := webRecord{Key: fmt.Appendf(nil, "%s-%d", p.Name, n%keys), Value: []byte(p.value(n))}
	switch p.Bad {
	case keyless:
		r.Key = nil
	case old:
		r.Timestamp = time.Now().Add(-oldAge).UnixMilli()
	case large: // its value is
	}
	return r
}

// oldAge is more than a topic takes that takes only young records.
const oldAge = 2 * time.Hour

func (p *webProducer) path() string {
	path := "/topics/" + p.Topic
	if p.Partition > 0 {
		path += fmt.Sprint("/partitions/", p.Partition)
	}
	if p.Command == "RPUSHX" {
		path += "?async=true"
	}
	return path
}

// note journals how the records of a batch ended.
func (p *webProducer) note(records []webRecord, results []webResult, err error) error {
	var no *problem
	if err != nil && !errors.As(err, &no) {
		return err
	}
	for i, r := range records {
		k, text := okay, ""
		switch {
		case no != nil:
			k, text = webEnding(no.Message), no.Error()
		case i < len(results) && results[i].Code != nil:
			k, text = webEnding(results[i].Error), results[i].Error
		case i >= len(results) && p.Command != "RPUSHX":
			k, text = trouble, "no result"
		}
		if err := p.journal.note(k, place{Topic: p.Topic}, string(r.Value), text); err != nil {
			return err
		}
	}
	return p.journal.flush()
}

// webEnding reads the words of a failure. Only those that say so mean that the record was not written.
func webEnding(text string) kind {
	for _, definite := range []string{"retry:", "rejected:"} {
		if strings.HasPrefix(text, definite) {
			return refused
		}
	}
	return trouble
}

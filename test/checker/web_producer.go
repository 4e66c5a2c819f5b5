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
	Key   []byte `json:"key"` // base64 in JSON, as REST v2 has it
	Value []byte `json:"value"`
}

// webResult is how one record ended. The message of one that failed begins with its outcome.
type webResult struct {
	Code  *int   `json:"error_code"`
	Error string `json:"error"`
}

func (p *webProducer) session(w *web) error {
	tick := time.NewTicker(batch * time.Second / time.Duration(p.Rate))
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
	first := p.next
	p.next += batch
	var records []webRecord
	for n := first; n < p.next; n++ {
		value := name(p.Name, n)
		if err := p.journal.note(sent, place{Topic: p.Topic}, value, ""); err != nil {
			return err
		}
		records = append(records, webRecord{fmt.Appendf(nil, "%s-%d", p.Name, n%keys), []byte(value)})
	}
	if err := p.journal.flush(); err != nil {
		return err
	}
	path := "/topics/" + p.Topic
	if p.Command == "RPUSHX" {
		path += "?async=true"
	}
	var answer struct {
		Offsets []webResult `json:"offsets"`
	}
	err := w.ask(http.MethodPost, path, map[string]any{"records": records}, &answer)
	return p.note(first, answer.Offsets, err)
}

// note journals how the records of a batch ended.
func (p *webProducer) note(first int, results []webResult, err error) error {
	var no *problem
	if err != nil && !errors.As(err, &no) {
		return err
	}
	for i := range p.next - first {
		k, text := okay, ""
		switch {
		case no != nil:
			k, text = webEnding(no.Message), no.Error()
		case i < len(results) && results[i].Code != nil:
			k, text = webEnding(results[i].Error), results[i].Error
		case i >= len(results) && p.Command != "RPUSHX":
			k, text = trouble, "no result"
		}
		if err := p.journal.note(k, place{Topic: p.Topic}, name(p.Name, first+i), text); err != nil {
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

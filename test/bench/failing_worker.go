package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// failingWorker takes one record at a time, and accepts it or says that it has failed.
type failingWorker struct {
	*conn

	topic string
	take  []byte
	acks  string // over HTTP, where leases are settled; empty at the Redis door
	fails trouble
}

// lent is a record that a worker has.
type lent struct {
	partition, offset int64
	attempt           int
	lease             string
}

const (
	failureReport = `{"class":"Deadlock","message":"chosen"}`
	delayedReport = `{"class":"Deadlock","delay_ms":100}`
)

// turn takes a record and settles it; n is 1 when that was accepted.
func (w *failingWorker) turn() (n int, err error) {
	r, err := w.lend()
	if err != nil || r == nil {
		return 0, err
	}
	if r.attempt <= w.fails(r.partition, r.offset) {
		return 0, w.release(r, failureReport)
	}
	return 1, w.accept(r)
}

// lend takes a record; nil when none came.
func (w *failingWorker) lend() (*lent, error) {
	if err := w.net.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return nil, err
	}
	if w.acks != "" {
		return w.lendHTTP()
	}
	w.out = append(w.out, w.take...)
	if err := w.send(); err != nil {
		return nil, err
	}
	head, err := w.next()
	if err != nil || head.kind != '*' || head.n < 0 {
		return nil, err
	}
	r := &lent{}
	for i := range head.n {
		e, err := w.next()
		if err != nil {
			return nil, err
		}
		switch i { // topic, partition, offset, value, key, timestamp, headers (none), attempt
		case 3:
			r.partition = e.n
		case 5:
			r.offset = e.n
		case 15:
			r.attempt = int(e.n)
		}
	}
	return r, nil
}

func (w *failingWorker) lendHTTP() (*lent, error) {
	body, err := w.ask(w.take)
	if err != nil || len(body) < len(`[{}]`) {
		return nil, err
	}
	member := func(name string) []byte {
		_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":`))
		return rest
	}
	lease, _, _ := bytes.Cut(bytes.TrimPrefix(member("lease"), []byte(`"`)), []byte(`"`))
	return &lent{
		partition: leading(member("partition")), offset: leading(member("offset")), attempt: int(leading(member("delivery"))), lease: string(lease),
	}, nil
}

// leading is the number that a text begins with.
func leading(text []byte) int64 {
	end := bytes.IndexAny(text, ",}")
	return number(text[:max(0, end)])
}

func (w *failingWorker) accept(r *lent) error { return w.settle("accepts", "ack", r, "") }

func (w *failingWorker) release(r *lent, report string) error {
	return w.settle("releases", "release", r, report)
}

// settle says what became of a record: over HTTP in the list verb. report is a JSON object, or empty.
func (w *failingWorker) settle(list, verb string, r *lent, report string) error {
	if w.acks != "" {
		item := `"` + r.lease + `"`
		if report != "" {
			item = `{"lease":` + item + "," + strings.TrimPrefix(report, "{")
		}
		_, err := w.ask(httpRequest("POST", w.acks, "application/json", `{"`+verb+`":[`+item+`]}`))
		return err
	}
	args := []string{"RPUSH", list, fmt.Sprintf("%s:%d:%d", w.topic, r.partition, r.offset)}
	if report != "" {
		args = append(args, report)
	}
	w.out = command(w.out, args...)
	if err := w.send(); err != nil {
		return err
	}
	_, err := w.next()
	return err
}

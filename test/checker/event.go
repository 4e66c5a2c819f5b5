package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// kind is what a client saw or did.
type kind string

const (
	sent    kind = "sent"    // about to produce the record Value, to Topic; Text is bad for one to be rejected
	okay    kind = "ok"      // that record was answered :1
	refused kind = "refused" // it was answered with an error that says it is not written
	got     kind = "got"     // was handed the record At, with its Value
	acking  kind = "acking"  // about to acknowledge everything up to At
	acked   kind = "acked"   // that was answered :1
	stale   kind = "stale"   // it was answered :0 or an error

	ackingOne kind = "acking one" // about to acknowledge the record At and no other

	failing kind = "failing" // about to say that the record At has failed
	failed  kind = "failed"  // that was answered :1
	unheld  kind = "unheld"  // it was answered :0
	died    kind = "died"    // hangs up while it holds the record At, or lets its lease end

	trouble kind = "trouble" // a lost connection or an answer that decides nothing: Text, for people
)

// place is where a record stands in Kafka.
type place struct {
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition,omitempty"`
	Offset    int64  `json:"offset,omitempty"`
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.Topic, p.Partition, p.Offset) }

// event is one line of the history.
type event struct {
	// Time is in nanoseconds of the wall clock, which the processes of one machine share. It is taken
	// after an answer was read, and before a command is sent.
	Time   int64  `json:"time"`
	Client string `json:"client"`         // one process: a replacement has another name
	Conn   int    `json:"conn,omitempty"` // which of its connections
	Kind   kind   `json:"kind"`
	At     place  `json:"at,omitzero"`
	Value  string `json:"value,omitempty"`
	Text   string `json:"text,omitempty"`
}

// journal is where a client writes its events. What was flushed survives a SIGKILL of the client.
type journal struct {
	client string
	conn   int
	out    io.Writer
	lines  []byte
}

func (j *journal) note(k kind, at place, value, text string) error {
	line, err := json.Marshal(event{
		Time: time.Now().UnixNano(), Client: j.client, Conn: j.conn, Kind: k, At: at, Value: value, Text: text,
	})
	j.lines = append(append(j.lines, line...), '\n')
	return err
}

// flush writes what was noted. A client flushes before it sends what the notes announce.
func (j *journal) flush() error {
	_, err := j.out.Write(j.lines)
	j.lines = j.lines[:0]
	return err
}

// bad marks, in the Text of what is sent, a record that brokers must refuse.
const bad = "bad"

// recorder collects the events of all clients. It is the only writer of the history.
type recorder struct {
	mu     sync.Mutex
	events []event
	broken error // a line that is no event
}

// read records what a client writes, until it ends. The last line of a killed client may be torn.
func (r *recorder) read(client string, from io.Reader) {
	decoder := json.NewDecoder(from)
	for {
		var e event
		err := decoder.Decode(&e)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return
		case err != nil:
			r.fail(fmt.Errorf("history of %s: %w", client, err))
			return
		}
		r.mu.Lock()
		r.events = append(r.events, e)
		r.mu.Unlock()
	}
}

// add records an event of this very process.
func (r *recorder) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// recording is where a client of this very process writes its events.
type recording struct {
	recorder *recorder
	client   string
}

func (r recording) Write(lines []byte) (int, error) {
	r.recorder.read(r.client, bytes.NewReader(lines))
	return len(lines), nil
}

func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken == nil {
		r.broken = err
	}
}

// sorted is a copy of everything recorded until now, by time.
func (r *recorder) sorted() ([]event, error) {
	r.mu.Lock()
	events, err := slices.Clone(r.events), r.broken
	r.mu.Unlock()
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.Time, b.Time) })
	return events, err
}

// count is how many events of a kind there are.
func (r *recorder) count(k kind) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := range r.events {
		if r.events[i].Kind == k {
			n++
		}
	}
	return n
}

// save writes the history to a file, one event or record a line.
func (h *history) save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	encoder := json.NewEncoder(f)
	for i := range h.Events {
		if err := encoder.Encode(&h.Events[i]); err != nil {
			return err
		}
	}
	for i := range h.Log {
		if err := encoder.Encode(&h.Log[i]); err != nil {
			return err
		}
	}
	if h.Given != nil {
		return encoder.Encode(h.Given)
	}
	return nil
}

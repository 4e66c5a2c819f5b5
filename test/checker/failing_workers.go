package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// hand is a worker of this process that does what the records' scripts say. Over the Redis door it has a name.
type hand struct {
	name     string
	addr     string
	group    string
	key      string // of BLPOP, or the query over HTTP
	web      bool
	director *director
	recorder *recorder
	conn     int
}

// work is a record in a worker's hands.
type work struct {
	place
	lease   string // over HTTP
	value   string
	attempt int // as sluice says; 0: it does not
}

// hands are the workers of a trial.
type hands struct {
	leave   context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex // guards what follows
	errs    []error
}

// hire starts a worker.
func (h *hands) hire(ctx context.Context, w *hand) {
	h.running.Go(func() {
		if err := w.run(ctx); err != nil {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.errs = append(h.errs, err)
		}
	})
}

// dismiss ends the workers, and returns what went wrong.
func (h *hands) dismiss() error {
	h.leave()
	h.running.Wait()
	return errors.Join(h.errs...)
}

// run works until ctx ends, over one connection after the other.
func (w *hand) run(ctx context.Context) error {
	for ctx.Err() == nil {
		w.conn++
		err := w.session(ctx)
		if errors.Is(err, errNoScript) || errors.Is(err, errNoRecord) {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		if err != nil && !errors.Is(err, errDead) {
			w.note(trouble, place{}, "", err.Error())
			_ = pause(ctx, reconnectPause)
		}
	}
	return nil
}

// errDead is a worker that has died of a record.
var errDead = errors.New("the worker died")

func (w *hand) note(k kind, at place, value, text string) {
	w.recorder.add(event{Time: time.Now().UnixNano(), Client: w.name, Conn: w.conn, Kind: k, At: at, Value: value, Text: text})
}

func (w *hand) session(ctx context.Context) error {
	if w.web {
		d, err := knockWeb(w.addr)
		if err != nil {
			return err
		}
		defer d.close()
		for ctx.Err() == nil && !d.over {
			list, err := w.takeWeb(d)
			if err != nil {
				return err
			}
			if err := w.work(list, func(t *work, what deed) (bool, error) { return w.settleWeb(d, t, what) }); err != nil {
				return err
			}
		}
		return nil
	}
	d, err := knock(w.addr)
	if err != nil {
		return err
	}
	defer d.close()
	if answer, err := d.ask("CLIENT", "SETNAME", w.group+":"+w.name); err != nil || answer != "OK" {
		return fmt.Errorf("CLIENT SETNAME: %v, %w", answer, err)
	}
	for ctx.Err() == nil {
		list, err := w.take(d)
		if err != nil {
			return err
		}
		if err := w.work(list, func(t *work, what deed) (bool, error) { return w.settle(d, t, what) }); err != nil {
			return err
		}
	}
	_, err = d.ask("QUIT")
	return err
}

// work does with each record what its script says. settle tells whether sluice took it.
func (w *hand) work(list []work, settle func(*work, deed) (bool, error)) error {
	now := ""
	for i := range list {
		if list[i].attempt > 0 {
			now = strconv.Itoa(list[i].attempt)
		}
		w.note(got, list[i].place, list[i].value, now)
	}
	for i := range list {
		if err := w.do(&list[i], settle); err != nil {
			return err
		}
	}
	return nil
}

func (w *hand) do(t *work, settle func(*work, deed) (bool, error)) error {
	s, err := parseScript(t.value)
	if err != nil {
		return err
	}
	what := w.director.deed(&s)
	if what == die {
		w.note(died, t.place, "", "")
		if w.web {
			return nil // its lease ends
		}
		return errDead
	}
	begin, end, no, text := ackingOne, acked, stale, ""
	if what == release {
		begin, end, no = failing, failed, unheld
	}
	if what == reject {
		text = string(reject)
	}
	w.note(begin, t.place, "", text)
	taken, err := settle(t, what)
	if err != nil {
		return err
	}
	if !taken {
		end = no
	}
	w.note(end, t.place, "", text)
	return nil
}

// lists are where RPUSH says what became of a record.
var lists = map[deed]string{accept: "accepts", release: "releases", reject: "rejects"}

// report is what is said of a failure.
const report = `{"class":"Deadlock","message":"the database has chosen this one"}`

func (w *hand) settle(d *door, t *work, what deed) (bool, error) {
	args := []string{"RPUSH", lists[what], t.String()}
	if what != accept {
		args = append(args, report)
	}
	answer, err := d.ask(args...)
	if text, is := answer.(refusal); is {
		return false, fmt.Errorf("%v: %s", args, text) // nobody knows
	}
	return answer == int64(1), err
}

func (w *hand) take(d *door) ([]work, error) {
	answer, err := d.ask("BLPOP", w.key, popSeconds)
	if err != nil {
		return nil, err
	}
	if text, is := answer.(refusal); is {
		w.note(trouble, place{}, "", string(text))
		<-time.After(reconnectPause)
		return nil, nil
	}
	list, _ := answer.([]any)
	if len(list) > 0 {
		if _, batch := list[0].([]any); !batch {
			list = []any{list}
		}
	}
	var all []work
	for _, entry := range list {
		t, err := fullRecord(entry)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// fullRecord reads a record as BLPOP answers it with sluice.reply=full.
func fullRecord(entry any) (t work, err error) {
	fields, _ := entry.([]any)
	named := map[any]any{}
	for i := 0; i+1 < len(fields); i += 2 {
		named[fields[i]] = fields[i+1]
	}
	topic, ok1 := named["topic"].(string)
	partition, ok2 := named["partition"].(int64)
	offset, ok3 := named["offset"].(int64)
	value, ok4 := named["value"].(string)
	attempt, ok5 := named["attempt"].(int64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return t, fmt.Errorf("%w: %v", errNoRecord, entry)
	}
	return work{place: place{topic, int32(partition), offset}, value: value, attempt: int(attempt)}, nil
}

// lapse is how long a worker over HTTP has a record before its lease ends.
const lapse = 2 * time.Second

func (w *hand) takeWeb(d *web) ([]work, error) {
	var records []struct {
		lease

		Delivery int `json:"delivery"`
	}
	path := fmt.Sprintf("/v1/groups/%s/messages?format=binary&wait=100ms&ack_timeout=%s&%s", w.group, lapse, w.key)
	err := d.ask(http.MethodGet, path, nil, &records)
	var no *problem
	if errors.As(err, &no) {
		w.note(trouble, place{}, "", no.Error())
		<-time.After(reconnectPause)
		return nil, nil
	}
	all := make([]work, 0, len(records))
	for _, r := range records {
		all = append(all, work{place: r.place(), lease: r.Lease, value: string(r.Value), attempt: r.Delivery})
	}
	return all, err
}

// verbs are the lists of an HTTP request that settles leases.
var verbs = map[deed]string{accept: "ack", release: "release", reject: "reject"}

func (w *hand) settleWeb(d *web, t *work, what deed) (bool, error) {
	item := map[string]string{"lease": t.lease}
	if what != accept {
		item["class"], item["message"] = "Deadlock", "the database has chosen this one"
	}
	var answer struct {
		Accepted int `json:"accepted"`
		Released int `json:"released"`
		Rejected int `json:"rejected"`
		Stale    int `json:"stale"`
	}
	err := d.ask(http.MethodPost, "/v1/groups/"+w.group+"/acks", map[string]any{verbs[what]: []any{item}}, &answer)
	n := answer.Accepted + answer.Released + answer.Rejected
	if err == nil && n+answer.Stale != 1 {
		err = errors.New("nobody knows yet how it ended")
	}
	return n == 1, err
}

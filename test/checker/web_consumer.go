package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// webConsumer takes records on leases and acknowledges each of them when it has held it long enough.
type webConsumer struct {
	*client
	held  []lease // in the order in which they came
	hurry bool    // acknowledge everything now
}

// lease is a record as it was lent.
type lease struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Value     []byte `json:"value"`
	Lease     string `json:"lease"`

	since time.Time
}

func (l *lease) place() place { return place{l.Topic, l.Partition, l.Offset} }

// leaseTime is longer than anybody holds a record, and short enough that those of a client that was
// killed come again while the trial lasts.
const leaseTime = 5 * time.Second

func (c *webConsumer) session(w *web) error {
	for !c.stopped.Load() && !w.over {
		if err := c.turn(w); err != nil {
			_ = c.journal.flush()
			return err
		}
	}
	return c.settle(w)
}

// settle acknowledges everything.
func (c *webConsumer) settle(w *web) error {
	c.hurry = true
	return c.acknowledge(w)
}

// turn acknowledges what is due and takes what is next.
func (c *webConsumer) turn(w *web) error {
	if err := c.acknowledge(w); err != nil {
		return err
	}
	var records []lease
	path := fmt.Sprintf("/v1/groups/%s/messages?format=binary&wait=100ms&ack_timeout=%s&%s", url.PathEscape(c.Member), leaseTime, c.Key)
	err := w.ask(http.MethodGet, path, nil, &records)
	var no *problem
	if errors.As(err, &no) {
		c.hurry = true // sluice may be ending, or waiting for us to settle
		<-time.After(reconnectPause)
		return c.mention(no.Error())
	}
	if err != nil {
		return err
	}
	return c.hold(records)
}

func (c *webConsumer) hold(records []lease) error {
	for _, r := range records {
		if err := c.journal.note(got, r.place(), string(r.Value), ""); err != nil {
			return err
		}
		r.since = time.Now()
		c.held = append(c.held, r)
	}
	return c.journal.flush()
}

// acknowledge settles what is due. An answer that does not count every lease does not say which: of those
// nothing is known.
func (c *webConsumer) acknowledge(w *web) error {
	due, kept := []lease{}, []lease{}
	for _, l := range c.held {
		if c.hurry || time.Since(l.since) >= c.Hold {
			due = append(due, l)
		} else {
			kept = append(kept, l)
		}
	}
	c.held, c.hurry = kept, false
	if len(due) == 0 || w.over {
		return nil
	}
	var body struct {
		Ack []string `json:"ack"`
	}
	for i := range due {
		body.Ack = append(body.Ack, due[i].Lease)
	}
	if err := c.noteEach(ackingOne, due); err != nil {
		return err
	}
	var answer struct {
		Accepted int `json:"accepted"`
		Stale    int `json:"stale"`
	}
	if err := w.ask(http.MethodPost, "/v1/groups/"+url.PathEscape(c.Member)+"/acks", body, &answer); err != nil {
		return err
	}
	switch len(due) {
	case answer.Accepted:
		return c.noteEach(acked, due)
	case answer.Stale:
		return c.noteEach(stale, due)
	}
	return nil
}

func (c *webConsumer) noteEach(k kind, leases []lease) error {
	for i := range leases {
		if err := c.journal.note(k, leases[i].place(), "", ""); err != nil {
			return err
		}
	}
	return c.journal.flush()
}

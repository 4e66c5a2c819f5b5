package main

import (
	"context"
	"errors"
	"time"
)

// reader is a consumer in this process, which the trial drives step by step.
type reader struct {
	trial  *trial
	turn   func() error // acknowledges what it holds and asks for more
	settle func() error // acknowledges what it holds
	close  func()
}

// depthOfReader is how many records a reader takes at once.
const depthOfReader = 10

// read opens a reader, in its trial's group.
func (t *trial) reader(name string) (*reader, error) {
	c := &client{task: t.through(t.consumer(name, depthOfReader, 0))}
	c.Name = name
	c.journal = journal{client: name, out: recording{&t.recorder, name}}
	if c.Web {
		return c.webReader(t)
	}
	d, err := knock(c.Addr)
	if err != nil {
		return nil, err
	}
	c.journal.conn++
	consumer := &consumer{client: c}
	if err := consumer.greet(d); err != nil {
		d.close()
		return nil, err
	}
	return &reader{
		trial:  t,
		turn:   func() error { return errors.Join(consumer.turn(d), c.journal.flush()) },
		settle: func() error { return consumer.settle(d) },
		close:  d.close,
	}, nil
}

func (c *client) webReader(t *trial) (*reader, error) {
	w, err := knockWeb(c.Addr)
	if err != nil {
		return nil, err
	}
	c.journal.conn++
	consumer := &webConsumer{client: c}
	return &reader{
		trial:  t,
		turn:   func() error { return consumer.turn(w) },
		settle: func() error { return consumer.settle(w) },
		close:  w.close,
	}, nil
}

// take takes n records more, or what comes within the time, and acknowledges them.
func (r *reader) take(ctx context.Context, n int, most time.Duration) error {
	goal, until := r.trial.recorder.count(got)+n, time.Now().Add(most)
	for r.trial.recorder.count(got) < goal && time.Now().Before(until) && ctx.Err() == nil {
		if err := r.turn(); err != nil {
			return err
		}
	}
	return errors.Join(r.settle(), ctx.Err())
}

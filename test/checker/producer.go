package main

import (
	"fmt"
	"strings"
	"time"
)

// batch is how many records a producer sends before it reads their answers.
const batch = 16

// keys is how many keys a producer spreads its records over.
const keys = 8

// producer sends numbered records, each once: what it is not told the end of stays unknown.
type producer struct {
	*client
	next int
}

func (p *producer) session(d *door) error {
	tick := time.NewTicker(batch * time.Second / time.Duration(p.Rate))
	defer tick.Stop()
	for !p.stopped.Load() {
		if err := p.batch(d); err != nil {
			return err
		}
		<-tick.C
	}
	return nil
}

func (p *producer) batch(d *door) error {
	first := p.next
	p.next += batch
	for n := first; n < p.next; n++ {
		value := name(p.Name, n)
		if err := p.journal.note(sent, place{Topic: p.Topic}, value, ""); err != nil {
			return err
		}
		d.add(p.Command, fmt.Sprintf("topics:%s:%s-%d", p.Topic, p.Name, n%keys), value)
	}
	if err := p.journal.flush(); err != nil {
		return err
	}
	if err := d.send(); err != nil {
		return err
	}
	return p.answers(d, first)
}

func (p *producer) answers(d *door, first int) error {
	for n := first; n < p.next; n++ {
		answer, err := d.reply()
		if err != nil {
			_ = p.journal.flush()
			return err
		}
		k, text := ending(answer)
		if err := p.journal.note(k, place{Topic: p.Topic}, name(p.Name, n), text); err != nil {
			return err
		}
	}
	return p.journal.flush()
}

// ending reads the answer to a produce. Only the errors that say so mean that it was not written.
func ending(answer any) (kind, string) {
	if answer == int64(1) {
		return okay, ""
	}
	text := fmt.Sprint(answer)
	for _, definite := range []string{"PROD retry:", "PROD rejected:", "PROD Server shutdown"} {
		if strings.HasPrefix(text, definite) {
			return refused, text
		}
	}
	return trouble, text
}

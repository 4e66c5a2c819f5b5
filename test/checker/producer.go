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
	tick := time.NewTicker(time.Duration(p.depth()) * time.Second / time.Duration(p.Rate))
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
	var values []string
	for range p.depth() {
		value := p.value(p.next)
		if err := p.journal.note(sent, place{Topic: p.Topic}, value, p.mark()); err != nil {
			return err
		}
		d.add(p.Command, p.key(p.next), value)
		values = append(values, value)
		p.next++
	}
	if err := p.journal.flush(); err != nil {
		return err
	}
	if err := d.send(); err != nil {
		return err
	}
	return p.answers(d, values)
}

// key is where the nth record goes, in the words of the Redis door.
func (p *producer) key(n int) string {
	if p.Bad == keyless {
		return "topics:" + p.Topic
	}
	return fmt.Sprintf("topics:%s:%s-%d", p.Topic, p.Name, n%keys)
}

func (p *producer) answers(d *door, values []string) error {
	for _, value := range values {
		answer, err := d.reply()
		if err != nil {
			_ = p.journal.flush()
			return err
		}
		k, text := ending(answer)
		if err := p.journal.note(k, place{Topic: p.Topic}, value, text); err != nil {
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

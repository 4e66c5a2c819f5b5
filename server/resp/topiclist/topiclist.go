// Package topiclist asks Kafka for the names of all topics on behalf of many sessions.
//
// The answer may be long in coming. So a goroutine asks, one question at a time for all sessions, and wakes those that
// wait. A session that asks while a question is under way shares the next one. The current question may be older than a
// topic that the session's client has just been told about.
package topiclist

import (
	"context"
	"sync"
	"time"
)

// Timeout bounds one question to Kafka.
const Timeout = 5 * time.Second

// Lister asks for the topics.
type Lister struct {
	list  func(context.Context) ([]string, error)
	start func(func()) // runs a function in a goroutine that somebody waits for

	mu      sync.Mutex // guards what follows
	next    *lookup    // the next question, nil when nobody waits for one
	running bool       // a goroutine asks
}

// New makes a lister. list asks Kafka; start runs a function in a goroutine, whose end is the caller's affair.
func New(list func(context.Context) ([]string, error), start func(func())) *Lister {
	return &Lister{list: list, start: start}
}

// lookup is one question to Kafka.
type lookup struct {
	answered chan struct{} // closed when names and err are set
	names    []string
	err      error

	waiters map[*Waiter]struct{} // guarded by the lister's lock
}

// Waiter is a session that waits for the topics.
type Waiter struct {
	lister *Lister
	lookup *lookup
	wake   func()
}

// Ask joins the next question. wake is called when it is answered. The caller must call Leave in the end.
func (l *Lister) Ask(wake func()) *Waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &lookup{answered: make(chan struct{}), waiters: map[*Waiter]struct{}{}}
	}
	w := &Waiter{lister: l, lookup: l.next, wake: wake}
	l.next.waiters[w] = struct{}{}
	if !l.running {
		l.running = true
		l.start(l.run) // ends when nobody waits; each question ends with Timeout
	}
	return w
}

// Answer returns the names of all topics in order; ok is false while there is no answer.
func (w *Waiter) Answer() (names []string, ok bool, err error) {
	select {
	case <-w.lookup.answered:
		return w.lookup.names, true, w.lookup.err
	default:
		return nil, false, nil
	}
}

// Leave ends the wait, answered or not.
func (w *Waiter) Leave() {
	w.lister.mu.Lock()
	defer w.lister.mu.Unlock()
	delete(w.lookup.waiters, w)
}

// Asking tells whether a question is under way.
func (l *Lister) Asking() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// run asks until nobody waits. An error also answers those who wait for the next question: they would only wait for
// the same error.
func (l *Lister) run() {
	for q := l.take(); q != nil; q = l.take() {
		q.names, q.err = l.ask()
		l.wakeAll(q)
		if q.err == nil {
			continue
		}
		next := l.take()
		if next == nil {
			return
		}
		next.err = q.err
		l.wakeAll(next)
	}
}

// take begins the next question. It returns nil when nobody waits for one: then run must end.
func (l *Lister) take() *lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.next
	if q != nil && len(q.waiters) == 0 {
		q = nil
	}
	l.next, l.running = nil, q != nil
	return q
}

func (l *Lister) ask() ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	return l.list(ctx)
}

func (l *Lister) wakeAll(q *lookup) {
	close(q.answered)
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range q.waiters {
		w.wake()
	}
}

package topiclist

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// question is a call of Kafka that waits until the test answers it.
type question struct {
	names []string
	err   error
}

func newLister(t *testing.T) (l *Lister, asked chan struct{}, answers chan question) {
	asked, answers = make(chan struct{}), make(chan question)
	var going sync.WaitGroup
	t.Cleanup(going.Wait)
	l = New(func(context.Context) ([]string, error) {
		asked <- struct{}{}
		a := <-answers
		return a.names, a.err
	}, going.Go)
	return l, asked, answers
}

func TestWhoeverAsksDuringAQuestionSharesTheNextOne(t *testing.T) {
	l, asked, answers := newLister(t)
	woken := make(chan string, 3)
	first := l.Ask(func() { woken <- "first" })
	defer first.Leave()
	<-asked
	second, third := l.Ask(func() { woken <- "second" }), l.Ask(func() {})
	defer second.Leave()
	third.Leave() // is not woken
	answers <- question{names: []string{"a"}}
	if got := <-woken; got != "first" {
		t.Fatalf("%s is woken", got)
	}
	if names, ok, err := first.Answer(); !ok || err != nil || len(names) != 1 {
		t.Errorf("%v, %v, %v", names, ok, err)
	}
	if _, ok, _ := second.Answer(); ok {
		t.Error("answered with what may be older than what it was told")
	}
	<-asked
	answers <- question{names: []string{"a", "b"}}
	if got := <-woken; got != "second" {
		t.Fatalf("%s is woken", got)
	}
	if names, _, _ := second.Answer(); len(names) != 2 {
		t.Errorf("%v", names)
	}
}

func TestAnErrorAnswersThoseBehindToo(t *testing.T) {
	l, asked, answers := newLister(t)
	woken := make(chan struct{}, 2)
	wake := func() { woken <- struct{}{} }
	first := l.Ask(wake)
	defer first.Leave()
	<-asked
	second := l.Ask(wake)
	defer second.Leave()
	down := errors.New("down")
	answers <- question{err: down}
	<-woken
	<-woken
	for _, w := range []*Waiter{first, second} {
		if _, ok, err := w.Answer(); !ok || !errors.Is(err, down) {
			t.Errorf("answered: %v, %v", ok, err)
		}
	}
}

func TestNobodyIsAskedForNobody(t *testing.T) {
	l, asked, answers := newLister(t)
	first := l.Ask(func() {})
	<-asked
	l.Ask(func() {}).Leave()
	first.Leave()
	answers <- question{}
	// The lister ends instead of asking again: going.Wait returns.
}

//go:build clients

package pages

import (
	"testing"
)

// The worker of each page, while records are produced: its handler raises, sluice is stopped and started, the worker is
// killed with a record in hand, sluice is killed, and the worker is told to stop, with a record in hand and without one.
func TestWorkersOfThePages(t *testing.T) {
	t.Parallel()
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, l)
			s.theHandlerRaises()
			s.sluiceRestarts()
			s.theWorkerIsKilled()
			s.sluiceIsKilled()
			s.theWorkerIsStopped()
			s.judge()
		})
	}
}

func (s *story) theHandlerRaises() {
	s.done.fails(s.t)
	s.burst()
	s.worker.prints(s.t, givenBack, 0)
	s.done.remove(s.t)
	s.allHandled()
}

// The worker waits for records when sluice stops: it is told so, then nobody listens any more.
func (s *story) sluiceRestarts() {
	quiet := len(s.worker.output())
	if status, err := s.sluice.Stop(s.ctx); status != 0 || err != nil {
		s.t.Fatalf("sluice stopped with %d, %v", status, err)
	}
	s.worker.prints(s.t, tryingAgain, quiet)
	producer := s.shell.start(s.t, s.language.produce+` customer-7 "while sluice was away"`, "")
	producer.prints(s.t, tryingAgain, 0)
	s.startSluice()
	producer.ends(s.t)
	s.produced++
	s.allHandled()
}

// Another one of the same name goes on with its record. A lease goes on until sluice ends, which is next.
func (s *story) theWorkerIsKilled() {
	gate := s.done.gate(s.t)
	s.burst()
	gate.entered(s.t, s.ctx)
	s.worker.kill()
	s.done.remove(s.t)
	gate.close()
	s.startWorker()
	s.worker.until(s.t, func() error { return s.unhandled(s.language.leased) })
}

// What is in hand now is handled twice, because the new sluice has not lent it to anybody.
func (s *story) sluiceIsKilled() {
	gate := s.done.gate(s.t)
	s.burst()
	gate.entered(s.t, s.ctx)
	if err := s.sluice.Kill(); err != nil {
		s.t.Fatal(err)
	}
	s.startSluice()
	inHand := gate.open(s.t, s.ctx)
	s.worker.until(s.t, func() error { return s.times(inHand, 2) })
	s.allHandled()
}

// The worker settles the record in hand, and ends although there are more: some see the signal a few records later.
func (s *story) theWorkerIsStopped() {
	gate := s.done.gate(s.t)
	s.burst()
	gate.entered(s.t, s.ctx)
	s.worker.terminate(s.t)
	gate.open(s.t, s.ctx)
	s.endsThoughBusy()
	lines := s.done.lines(s.t)
	s.kafka.committed(s.t, s.language.group(), s.language.topic(), s.offset(lines[len(lines)-1])+1)
	s.startWorker()
	s.allHandled()
	s.worker.terminate(s.t)
	s.worker.ends(s.t)
}

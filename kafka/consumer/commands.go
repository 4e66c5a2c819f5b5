package consumer

import "github.com/sluice-proxy/sluice/kafka/kerr"

// do has the run goroutine, which owns the consumer, do something; false when it has ended. What it does
// must not wait.
func (s *Subscription) do(do func()) bool {
	s.mu.Lock()
	taken := !s.ended
	if taken {
		s.commands = append(s.commands, do)
	}
	s.mu.Unlock()
	if taken {
		s.kick()
	}
	return taken
}

// doNextRound is do in the next round, in a tick at most: for what could not be done yet.
func (s *Subscription) doNextRound(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, do)
}

func (s *Subscription) runCommands() {
	for _, do := range s.takeCommands() {
		do()
	}
}

// takeCommands takes the commands that there are.
func (s *Subscription) takeCommands() []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	orders := s.commands
	s.commands = nil
	return orders
}

// failPending tells who waits that the subscription has ended. Orders that were not begun are dropped: who gave
// them waits with a deadline, and for this.
func (s *Subscription) failPending() {
	s.mu.Lock()
	s.ended, s.commands = true, nil
	s.mu.Unlock()
	close(s.gone)
	for ticket, done := range s.commits {
		delete(s.commits, ticket)
		done <- kerr.ErrStopping
	}
}

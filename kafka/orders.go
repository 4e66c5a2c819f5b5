package kafka

import "github.com/sluice-proxy/sluice/kafka/kerr"

// order has the run goroutine, which owns the consumer, do something; false when it has ended. What it does
// must not wait.
func (s *Subscription) order(do func()) bool {
	s.mu.Lock()
	taken := !s.ended
	if taken {
		s.orders = append(s.orders, do)
	}
	s.mu.Unlock()
	if taken {
		s.kick()
	}
	return taken
}

// later is order for the next round, in a tick at most: for what could not be done yet.
func (s *Subscription) later(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, do)
}

func (s *Subscription) obey() {
	for _, do := range s.ordered() {
		do()
	}
}

// ordered takes the orders that there are.
func (s *Subscription) ordered() []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	orders := s.orders
	s.orders = nil
	return orders
}

// forsake tells who waits that the subscription has ended. Orders that were not begun are dropped: who gave
// them waits with a deadline, and for this.
func (s *Subscription) forsake() {
	s.mu.Lock()
	s.ended, s.orders = true, nil
	s.mu.Unlock()
	close(s.gone)
	for ticket, done := range s.commits {
		delete(s.commits, ticket)
		done <- kerr.ErrStopping
	}
}

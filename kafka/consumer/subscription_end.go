package consumer

import (
	"context"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// close commits, leaves the group and destroys the consumer. After ctx has ended it waits closeTimeout longer. Silent
// brokers may keep the consumer from leaving; its slot stays taken meanwhile.
func (s *subscription) close(ctx context.Context) {
	s.groups.detach(s)
	defer s.groups.slotFreed(s)
	s.groups.memory.leave(s.memory.inBudget)
	defer s.groups.leases.closed(s)
	defer s.groups.memory.ended.Store(true)
	defer s.failPending()
	s.awaitLetters(s.cfg.Consume.RevokeGrace)
	s.serveRevocation(time.Now(), true)
	s.commitNow(time.Now())
	err := s.leave(ctx)
	s.groups.left(s)
	if err != nil {
		s.abandon()
		s.log.Warn("consumer not closed", "err", err)
		return
	}
	s.log.Info("subscription closed")
}

func (s *subscription) leave(ctx context.Context) error {
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLongest)
	defer cancel()
	ended := context.AfterFunc(ctx, func() { time.AfterFunc(closeTimeout, cancel) })
	defer ended()
	slow := time.AfterFunc(closeTimeout, func() { s.log.Warn("consumer not closed yet: the brokers do not answer") })
	defer slow.Stop()
	if len(s.partitions) == 0 && !s.manual {
		if err := s.consumer.Unsubscribe(); err != nil {
			s.log.Warn("group not left", "err", err)
		}
	}
	return s.consumer.Close(bound, s.leaving, s.closeQueues)
}

// leaving takes the consumer's events while it leaves its group.
func (s *subscription) leaving(event librdkafka.Event) {
	switch event.Kind {
	case librdkafka.Revoke:
		if !s.consumer.Lost() {
			s.commitNow(time.Now())
		}
		s.letGo(event.Partitions)
	case librdkafka.Committed:
		s.answer(event)
	case librdkafka.Failure:
		s.consumer.logFailure(event)
	case librdkafka.Log:
		s.consumer.logEvent(event)
	}
}

// abandon forgets what members owe of partitions that could not be given back. It cannot be committed any more.
func (s *subscription) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tp := range s.partitions {
		s.dispatch.Remove(tp)
	}
	s.groups.countAssigned(-int64(len(s.partitions)))
}

// closeTimeout bounds leaving a group after the process was told to end; closeLongest bounds it before. librdkafka's own
// close has no bound. A consumer that is given up keeps its threads for ever.
const (
	closeTimeout = 10 * time.Second
	closeLongest = 5 * time.Minute
)

// failPending tells callers that the subscription has ended. It drops commands that were not begun: their callers wait
// for gone, too.
func (s *subscription) failPending() {
	s.mu.Lock()
	s.commands.end()
	s.mu.Unlock()
	close(s.gone)
	s.commits.endAll(kerr.ErrStopping)
}

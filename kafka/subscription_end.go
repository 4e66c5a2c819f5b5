package kafka

import (
	"context"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// deserted forgets members whose grace is over, and tells whether the subscription may end.
func (s *Subscription) deserted(now time.Time) bool {
	s.mu.Lock()
	gone := s.dispatch.Expire(now)
	empty := len(s.dispatch.seats) == 0
	s.yielding = s.yielding && empty
	atOnce := s.failed || s.yielding || s.chosen
	s.mu.Unlock()
	for _, seat := range gone {
		s.log.Info("member forgotten, its records go to others", "member", seat.Name)
		s.client.forget(Identity{s.group, seat.Name}, s)
	}
	if !empty {
		s.idleSince = now
		return false
	}
	return (atOnce || now.Sub(s.idleSince) >= s.cfg.SubscriptionLinger) && s.client.retire(s)
}

// yield ends the subscription at once if nobody uses it.
func (s *Subscription) yield() {
	s.mu.Lock()
	s.yielding = true
	s.mu.Unlock()
	s.kick()
}

// close commits, leaves the group and destroys the consumer, also after ctx has ended. It is bounded by
// closeTimeout.
func (s *Subscription) close(ctx context.Context) {
	s.client.detach(s)
	defer s.client.lendings.closed(s)
	defer s.forsake()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	s.serveRevocation(time.Now(), true)
	s.store()
	err := s.consumer.Close(ctx, s.leaving, s.closeQueues)
	if err != nil {
		s.abandon()
		s.log.Warn("consumer not closed", "err", err)
		return
	}
	s.log.Info("subscription closed")
}

// leaving takes what happens between the wish to leave the group and the end.
func (s *Subscription) leaving(event librdkafka.Event) {
	switch event.Kind {
	case librdkafka.Revoke:
		s.letGo(event.Partitions)
	case librdkafka.Committed:
		s.committed(event)
	case librdkafka.Failure:
		s.voice.failure(s.log, event)
	case librdkafka.Log:
		s.voice.line(s.log, event)
	}
}

// abandon forgets what is owed of partitions that could not be given back: it cannot be committed any more.
func (s *Subscription) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tp := range s.feeds {
		s.dispatch.Remove(tp)
	}
	s.client.countLanes(-int64(len(s.feeds)))
}

// closeTimeout bounds leaving a group: librdkafka's own close has no bound.
const closeTimeout = 10 * time.Second

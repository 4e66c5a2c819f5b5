package kafka

import (
	"context"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

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
	s.client.left(s)
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

package consumer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// renewTime bounds the change from one consumer to another, within one round of the subscription.
const renewTime = 2 * time.Second

// renew goes on with another consumer. What the present one holds is taken back; what was settled counts when its partitions
// come back: see past.
//
// It is for topics that were created again. librdkafka remembers the highest leader epoch of each partition and takes metadata
// with a lower one for old; but those of the new log begin at 0. It would never find the new leaders.
func (s *Subscription) renew(ctx context.Context, why string) {
	s.log.Warn("consumer replaced", "why", why)
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	partitions := slices.Collect(maps.Keys(s.partitions))
	s.serveRevocation(time.Now(), true)
	s.store()
	err := s.consumer.Reopen(ctx, s.properties, s.leaving, s.closeQueues)
	for ticket, done := range s.commits {
		delete(s.commits, ticket)
		done <- fmt.Errorf("%w: the consumer was replaced", kerr.ErrNoAnswer)
	}
	s.down = descent{}
	switch {
	case err != nil:
	case s.manual:
		s.assignManually(partitions)
	default:
		err = s.consumer.Subscribe(s.interest.Topics())
	}
	if err != nil {
		s.tell(fmt.Errorf("the consumer could not be replaced: %w", err), true)
	}
}

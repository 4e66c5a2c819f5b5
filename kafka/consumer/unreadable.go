package consumer

import (
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// UnreadableError names the batch.
type UnreadableError struct {
	record.TopicPartition
	Group  string
	Offset int64 // the first of the batch
	Reason string
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s: the batch at offset %d cannot be read (%s): to step over it, set the offset of group %s behind the batch, "+
		"with PUT /v1/groups/%s/offsets or Kafka's own tools", e.TopicPartition, e.Offset, e.Reason, e.Group, e.Group)
}

func (e *UnreadableError) Unwrap() error { return kerr.ErrUnreadable }

// fail takes an error of one partition.
func (s *Subscription) fail(f *partition, failing librdkafka.PartitionError) {
	if !kerr.Of(failing.Code).Unreadable || failing.Offset < 0 {
		s.failure(librdkafka.Event{Kind: librdkafka.Failure, Code: failing.Code, Text: failing.Text})
		return
	}
	e := &UnreadableError{f.inDispatch.TopicPartition, s.group, failing.Offset, failing.Code.String()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.unreadable[e.TopicPartition]; last != nil && last.Offset == e.Offset {
		return // librdkafka tries again twice a second
	}
	if s.unreadable == nil {
		s.unreadable = map[record.TopicPartition]*UnreadableError{}
	}
	s.unreadable[e.TopicPartition] = e
	s.groups.consumed.unreadable.Add(1)
	s.log.Warn("batch cannot be read", "partition", e.TopicPartition.String(), "offset", e.Offset, "err", failing.Text)
	s.dispatch.WakeAll()
}

// stepped forgets a batch that could not be read when records from behind it have come: somebody has stepped over it,
// or librdkafka has, as it does with a wrong checksum. The subscription's mu is held.
func (s *Subscription) stepped(tp record.TopicPartition, offset int64) {
	e := s.unreadable[tp]
	if e == nil || offset <= e.Offset {
		return
	}
	delete(s.unreadable, tp)
	s.log.Warn("batch that cannot be read was passed over", "partition", tp.String(), "offset", e.Offset, "next", offset)
}

// obstacle is why nothing may come, nil when nothing is known. Of several batches that cannot be read it is the first, by
// partition. The subscription's mu is held.
func (s *Subscription) obstacle() error {
	if s.trouble != nil {
		return s.trouble
	}
	var first *UnreadableError
	for _, e := range s.unreadable {
		if first == nil || e.Topic < first.Topic || e.Topic == first.Topic && e.Partition < first.Partition {
			first = e
		}
	}
	switch {
	case first == nil:
		return nil
	case len(s.unreadable) == 1:
		return first
	}
	return fmt.Errorf("%w; so are batches of %d more partitions", first, len(s.unreadable)-1)
}

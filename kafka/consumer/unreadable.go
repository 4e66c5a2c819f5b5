package consumer

import (
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// unreadableError names a batch that cannot be read.
type unreadableError struct {
	record.TopicPartition
	Group  string
	Offset int64 // the first offset of the batch
	Reason string
}

func (e *unreadableError) Error() string {
	return fmt.Sprintf("%s: the batch at offset %d cannot be read (%s): to step over it, set the offset of group %s behind the batch, "+
		"with PUT /v1/groups/%s/offsets or Kafka's own tools", e.TopicPartition, e.Offset, e.Reason, e.Group, e.Group)
}

func (e *unreadableError) Unwrap() error { return kerr.ErrUnreadable }

// obstacles are why no records may come to members. The subscription's mu guards them.
type obstacles struct {
	trouble    error                                      // missing rights, a failed consumer
	failed     bool                                       // the consumer failed for good; the next Join opens another subscription
	shutOut    error                                      // why Kafka does not let the consumer into its group
	unreadable map[record.TopicPartition]*unreadableError // batches that cannot be read, at which their partitions wait
	letters    map[record.TopicPartition]error            // why the dead letters of partitions are not written
	topics     map[string]error                           // why the dead-letter topics of topics cannot be used
}

// noLetters notes why dead letters of a partition are not written; nil: they are.
func (o *obstacles) noLetters(tp record.TopicPartition, why error) {
	o.letters = noted(o.letters, tp, why)
}

// noLetterTopic notes why a topic's dead-letter topic cannot be used; nil: it can.
func (o *obstacles) noLetterTopic(topic string, why error) { o.topics = noted(o.topics, topic, why) }

func noted[K comparable](all map[K]error, key K, why error) map[K]error {
	if why == nil {
		delete(all, key)
		return all
	}
	if all == nil {
		all = map[K]error{}
	}
	all[key] = why
	return all
}

// add notes a batch that cannot be read. It returns false when the batch is known.
func (o *obstacles) add(e *unreadableError) bool {
	if last := o.unreadable[e.TopicPartition]; last != nil && last.Offset == e.Offset {
		return false // librdkafka tries again twice a second
	}
	if o.unreadable == nil {
		o.unreadable = map[record.TopicPartition]*unreadableError{}
	}
	o.unreadable[e.TopicPartition] = e
	return true
}

// fail takes an error that librdkafka reports for one partition.
func (s *subscription) fail(f *partition, failing librdkafka.PartitionError) {
	if !kerr.Of(failing.Code).Unreadable || failing.Offset < 0 {
		s.failure(librdkafka.Event{Kind: librdkafka.Failure, Code: failing.Code, Text: failing.Text})
		return
	}
	e := &unreadableError{f.inDispatch.TopicPartition, s.group, failing.Offset, failing.Code.String()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.obstacles.add(e) {
		return
	}
	s.groups.consumed.unreadable.Add(1)
	s.log.Warn("batch cannot be read", "partition", e.TopicPartition.String(), "offset", e.Offset, "err", failing.Text)
	s.dispatch.WakeAll()
}

// stepped forgets a batch that cannot be read once a record from behind it has come. Somebody has set the offset behind
// the batch, or librdkafka has skipped it, as it does with a wrong checksum. The subscription's mu is held.
func (s *subscription) stepped(tp record.TopicPartition, offset int64) {
	e := s.obstacles.unreadable[tp]
	if e == nil || offset <= e.Offset {
		return
	}
	delete(s.obstacles.unreadable, tp)
	s.log.Warn("batch that cannot be read was passed over", "partition", tp.String(), "offset", e.Offset, "next", offset)
}

// first is the reason why no records may come, nil when none is known. Of several batches that cannot be read it names
// the first, by partition.
func (o *obstacles) first() error {
	if o.trouble != nil {
		return o.trouble
	}
	for _, why := range o.topics {
		return why
	}
	for _, why := range o.letters {
		return why
	}
	var first *unreadableError
	for _, e := range o.unreadable {
		if first == nil || e.Topic < first.Topic || e.Topic == first.Topic && e.Partition < first.Partition {
			first = e
		}
	}
	switch {
	case first == nil:
		return nil
	case len(o.unreadable) == 1:
		return first
	}
	return fmt.Errorf("%w; so are batches of %d more partitions", first, len(o.unreadable)-1)
}

package consumer

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
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

// StoppedPartition is a partition of which no new records are lent, because of records that have failed.
type StoppedPartition struct {
	record.TopicPartition
	Reason   ledger.StopReason
	Offset   int64         // of the record that the others wait for; -1: it is none of them
	Failures int           // of that record
	Deaths   int           // of its clients
	Held     int           // records that wait
	Until    time.Time     // when that record's time comes; the zero time: it is not its time that they wait for
	For      time.Duration // how long it has been so, about
	Why      string        // the same in a sentence
}

// StopLetterTopic says that the dead-letter topic of a partition's topic cannot be used. So nothing of it is fetched.
const StopLetterTopic ledger.StopReason = "dead_letter_topic"

// StopReasons are all reasons.
var StopReasons = []ledger.StopReason{ledger.StopCrowded, ledger.StopWindow, ledger.StopRetry, ledger.StopLetter, StopLetterTopic}

const (
	// mostStopped bounds the stopped partitions that the status of a subscription lists.
	mostStopped = 20
	// worseStop is how many times longer a stop must have lasted to be logged again.
	worseStop = 10
)

// stopped lists the partitions that are stopped, in order. The subscription's mu is held.
func (s *subscription) stopped(now time.Time) (list []StoppedPartition) {
	for p := range s.dispatch.Partitions() {
		if p.Closing() {
			continue
		}
		in := StoppedPartition{TopicPartition: p.TopicPartition, Offset: -1}
		if why := s.obstacles.topics[p.Topic]; why != nil {
			in.Reason, in.Why = StopLetterTopic, fmt.Sprintf("%s: its dead-letter topic cannot be used: %v", p.TopicPartition, why)
		} else if stop, is := p.Ledger().Stopped(now); is {
			s.describe(&in, &stop, now)
		} else {
			continue
		}
		if known := s.failing.stops[p.TopicPartition]; known != nil && known.over.IsZero() {
			in.For = max(0, now.Sub(known.since))
		}
		list = append(list, in)
	}
	slices.SortFunc(list, func(a, b StoppedPartition) int { return a.Compare(b.TopicPartition) })
	return list
}

// describe says what a partition is stopped by. The subscription's mu is held.
func (s *subscription) describe(in *StoppedPartition, stop *ledger.Stop, now time.Time) {
	r := &stop.Record
	in.Reason, in.Held, in.Failures, in.Deaths = stop.Reason, stop.Held, r.Failures, r.Deaths
	in.Offset, in.Until = r.Offset, r.Due
	what := ""
	switch stop.Reason {
	case ledger.StopLetter:
		what = "its dead letter is not written"
		if why := s.obstacles.letters[in.TopicPartition]; why != nil {
			what = why.Error()
		}
	case ledger.StopWindow:
		what = "the window is full, and its first record waits"
	case ledger.StopRetry:
		what = fmt.Sprintf("the others wait for it; failed attempts: %d", r.Attempts())
	case ledger.StopCrowded:
		what = fmt.Sprintf("%d records wait behind failing ones (a quarter of the window)", stop.Held)
		if stop.Failing > ledger.MostFailing {
			what = fmt.Sprintf("%d records have failed and are not settled (%d at most)", stop.Failing, ledger.MostFailing)
		}
	}
	in.Why = fmt.Sprintf("%s at %d, %s", in.TopicPartition, in.Offset, what)
	if r.Due.After(now) {
		in.Why += "; it is tried again at " + r.Due.UTC().Format(time.RFC3339)
	}
}

// stop is what was said of a stopped partition.
type stop struct {
	since time.Time     // when it was seen first
	said  time.Duration // how long it had lasted when it was logged; 0: it was not
	over  time.Time     // when it was seen to go on; the zero time: it is stopped
	quiet time.Time     // it is not logged before: the last stop was, and was over a moment ago
}

// warnOfStops logs once that a partition stops, again when it has lasted much longer, and that it goes on.
func (s *subscription) warnOfStops(now time.Time) {
	if now.Sub(s.stopsLookedAt) < standingInterval {
		return
	}
	s.stopsLookedAt = now
	limit := s.groups.config().Consume.StallAfter
	s.mu.Lock()
	list := s.stopped(now)
	here, warn := map[record.TopicPartition]bool{}, list[:0:0]
	for i := range list {
		here[list[i].TopicPartition] = true
		if s.sayStop(&list[i], now, limit) && len(warn) < mostWarnings {
			warn = append(warn, list[i])
		}
	}
	on := s.goneOn(here, now, limit)
	s.mu.Unlock()
	for i := range warn {
		p := &warn[i]
		s.log.Warn("partition stopped: it waits for records that have failed", "partition", p.String(), "offset", p.Offset,
			"reason", string(p.Reason), "held", p.Held, "for", p.For.Round(time.Second).String(), "why", p.Why)
	}
	for _, tp := range on {
		s.log.Info("partition goes on", "partition", tp.String())
	}
}

// sayStop tells whether a stop is to be logged, and remembers that. One that comes back soon is logged when it lasts. The
// subscription's mu is held.
func (s *subscription) sayStop(p *StoppedPartition, now time.Time, limit time.Duration) bool {
	known := s.failing.stops[p.TopicPartition]
	if known == nil || !known.over.IsZero() {
		last := known
		known = &stop{since: now}
		if last != nil && last.said > 0 {
			known.quiet = last.over.Add(limit)
		}
		s.failing.stops[p.TopicPartition] = known
	}
	lasts := now.Sub(known.since)
	switch {
	case p.Reason == ledger.StopRetry && p.Until.Sub(known.since) < limit: // what every failure does
		return false
	case known.said > 0 && lasts < worseStop*max(known.said, limit), now.Before(known.quiet):
		return false
	}
	known.said = max(lasts, 1)
	return p.Reason != ledger.StopLetter && p.Reason != StopLetterTopic // these are logged where they come from
}

// goneOn are the partitions that were logged as stopped and are not any more. The subscription's mu is held.
func (s *subscription) goneOn(stopped map[record.TopicPartition]bool, now time.Time, limit time.Duration) (on []record.TopicPartition) {
	for tp, known := range s.failing.stops {
		switch {
		case stopped[tp]:
		case s.dispatch.Partition(tp) == nil, !known.over.IsZero() && now.Sub(known.over) >= limit:
			delete(s.failing.stops, tp)
		case known.over.IsZero():
			known.over = now
			if known.said > 0 {
				on = append(on, tp)
			}
		}
	}
	slices.SortFunc(on, record.TopicPartition.Compare)
	return on
}

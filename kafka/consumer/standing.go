package consumer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

const (
	// mostStanding bounds the standing records that the status of a subscription lists.
	mostStanding = 10
	// standingInterval is the time between two checks for standing records.
	standingInterval = time.Second
)

// warnOfStanding logs each standing record once, and again when it has got much worse.
func (s *subscription) warnOfStanding(now time.Time) {
	if now.Sub(s.standingLookedAt) < standingInterval {
		return
	}
	s.standingLookedAt = now
	for _, r := range s.toWarnOf(now) {
		holder := cmp.Or(r.Holder, "nobody")
		record.Traced(s.log, r.Trace).Warn("record stands: it was handed out, and is not acknowledged", "record", r.String(), "attempts", r.Attempts,
			"for", r.Age.Round(time.Second).String(), "holder", holder)
	}
}

// mostWarnings bounds the warnings of one check.
const mostWarnings = 20

func (s *subscription) toWarnOf(now time.Time) []ledger.StandingRecord {
	limit := s.groups.config().Consume.StallAfter
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dispatch.StandingToWarnOf(now, limit, mostWarnings)
}

// addStanding adds the worst standing record of each row. The subscription's mu is held.
func (s *subscription) addStanding(all map[rowKey]endedLeases, now time.Time) {
	for l := range s.dispatch.Partitions() {
		r, ok := l.Ledger().Standing(now)
		if !ok {
			continue
		}
		m := s.rowOf(l.Topic)
		row := all[m]
		row.age, row.attempts = max(row.age, r.Age), max(row.attempts, r.Attempts)
		all[m] = row
	}
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
		what = fmt.Sprintf("the others wait for it, after %d failed attempts", r.Attempts())
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

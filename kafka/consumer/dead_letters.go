package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// DeadLetters is how a Groups writes dead letters.
type DeadLetters struct {
	// Write writes a letter. It does not wait. done is called once, from another goroutine: without an error, all replicas in
	// sync have the letter.
	Write func(l failures.Letter, done func(error))
	// Ensure returns nil when a topic's dead-letter topic exists and keeps what is written to it.
	Ensure func(ctx context.Context, source, deadLetter string) error
}

// letterKey names a record that is given up. After a partition was away, another generation has the record.
type letterKey struct {
	record.PartitionOffset
	generation uint64
}

// letter is the dead letter of a record, until it is written.
type letter struct {
	failure failures.Failure
	client  string
	topic   string        // where it goes; the policy may be another by now
	done    []func(error) // who waits for it
	writing bool
	at      time.Time // not written before
	tries   int       // that have failed
	err     error     // of the last try
}

const (
	// mostLetters bounds the letters of a subscription that are under way at once.
	mostLetters = 100
	// A letter that was not written is written again, after letterRetry at first, then later and later.
	letterRetry     = time.Second
	letterRetryMost = 30 * time.Second
	// Of the failures to write one letter, the first is logged, and each one after so many more.
	repeatLetterWarning = 10
)

// giveUp has the dead letter written of a record that the ledger has given up. With dead_letter: skip it is dropped instead. The
// subscription's mu is held.
func (s *subscription) giveUp(l *ledger.Ledger, id record.PartitionOffset, f failures.Failure, client string, done func(error)) {
	rules := s.rulesOf(id.Topic)
	d, _, _ := l.Dying(id.Offset)
	if rules.DeadLetter.Skip {
		s.bury(l, id, f, d, "none: it is dropped")
		if done != nil {
			go done(nil) // who waits may hold a lock
		}
		return
	}
	entry := &letter{failure: f, client: client, topic: rules.letterTopic(id.Topic, s.group)}
	if done != nil {
		entry.done = append(entry.done, done)
	}
	s.failing.letters[letterKey{id, d.Generation}] = entry
	s.wake()
}

// bury settles a record that was given up. The subscription's mu is held.
func (s *subscription) bury(l *ledger.Ledger, id record.PartitionOffset, f failures.Failure, d ledger.Delivery, letterTopic string) {
	record.Traced(s.log, d.Trace()).Warn("record given up", "record", idOf(id), "dead_letter", letterTopic,
		"reason", string(f.Reason), "class", f.Class, "attempts", d.Attempt)
	l.Bury(id.Offset)
	s.groups.dead.count(s.group, id.Topic, f.Class)
	s.failed.dead.Add(1)
	s.commitSoon()
}

// serveLetters writes the letters that are due.
func (s *subscription) serveLetters(now time.Time) {
	type due struct {
		key    letterKey
		letter failures.Letter
	}
	var list []due
	s.mu.Lock()
	for key, l := range s.failing.letters {
		if l.writing || now.Before(l.at) || s.failing.writing >= mostLetters {
			continue
		}
		out, here := s.compose(key, l, time.Now()) // now may be earlier than the failure
		if !here {                                 // somebody has let the group go on without the record
			s.dropLetter(key, l)
			continue
		}
		l.writing = true
		s.failing.writing++
		list = append(list, due{key, out})
	}
	s.mu.Unlock()
	for _, d := range list {
		s.send(d.key, d.letter)
	}
}

// send has a letter written. Its record is settled when that is done.
//
//checker:seam dead-letter-to-write
func (s *subscription) send(key letterKey, out failures.Letter) {
	s.groups.deadLetters.Write(out, func(err error) { s.letterWritten(key, out.Topic, err) })
}

// compose makes the letter of a record. The subscription's mu is held.
func (s *subscription) compose(key letterKey, l *letter, now time.Time) (out failures.Letter, here bool) {
	in := s.dispatch.Ledger(key.TopicPartition)
	if in == nil {
		return out, false
	}
	d, r, dying := in.Dying(key.Offset)
	if !dying || d.Generation != key.generation {
		return out, false
	}
	return failures.Letter{
		Topic: l.topic, Source: d.Record, Group: s.group, Failure: l.failure, Attempts: d.Attempt,
		First: r.First, Now: now, Client: l.client,
	}, true
}

// letterTopic is where dead letters of a topic go; empty for nowhere.
func (r *topicRules) letterTopic(topic, group string) string {
	if r.DeadLetter.Auto {
		return failures.TopicName(topic, group)
	}
	return r.DeadLetter.Topic
}

// letterWritten takes the outcome of a letter. Without an error the record is settled.
func (s *subscription) letterWritten(key letterKey, topic string, err error) {
	now := time.Now()
	s.mu.Lock()
	l, in := s.failing.letters[key], s.dispatch.Ledger(key.TopicPartition)
	s.failing.writing--
	if l == nil || in == nil { // the partition was dropped meanwhile, and who waited was told
		s.mu.Unlock()
		return
	}
	l.writing, l.err = false, err
	d, _, _ := in.Dying(key.Offset)
	done, say := l.done, l.tries%repeatLetterWarning == 0
	if err != nil {
		l.tries++
		s.failed.letters.Add(1)
		l.at = now.Add(min(letterRetryMost, letterRetry<<min(l.tries-1, 5)))
		in.Halt(true)
		s.obstacles.noLetters(key.TopicPartition, fmt.Errorf("%w: %s to %s: %v", kerr.ErrLetter, idOf(key.PartitionOffset), topic, err)) //nolint:errorlint // the kind is another
		s.dispatch.WakeAll()
		done = nil
	} else {
		delete(s.failing.letters, key)
		s.bury(in, key.PartitionOffset, l.failure, d, topic)
		s.goOn(key.TopicPartition, in)
		s.dispatch.Wake(now)
	}
	s.mu.Unlock()
	if err != nil && say {
		record.Traced(s.log, d.Trace()).Warn("dead letter not written, its partition waits", "record", idOf(key.PartitionOffset), "dead_letter", topic, "err", err)
	}
	for _, tell := range done {
		tell(nil)
	}
	s.wake()
}

// goOn lets a partition go on when none of its letters has failed. The subscription's mu is held.
func (s *subscription) goOn(tp record.TopicPartition, in *ledger.Ledger) {
	for key, l := range s.failing.letters {
		if key.TopicPartition == tp && l.err != nil {
			return
		}
	}
	in.Halt(false)
	s.obstacles.noLetters(tp, nil)
}

// dropLetters forgets the letters of a partition that goes away, and tells who waits for them. Whoever has the partition next
// lends the records again. The subscription's mu is held.
func (s *subscription) dropLetters(tp record.TopicPartition) {
	for key, l := range s.failing.letters {
		if key.TopicPartition != tp {
			continue
		}
		s.dropLetter(key, l)
	}
	s.obstacles.noLetters(tp, nil)
}

// dropLetter forgets a letter, and tells who waits for it. The subscription's mu is held.
func (s *subscription) dropLetter(key letterKey, l *letter) {
	delete(s.failing.letters, key)
	for _, tell := range l.done {
		go tell(fmt.Errorf("%w: %s", kerr.ErrMoved, idOf(key.PartitionOffset))) // who waits may hold a lock
	}
}

// awaitLetters waits, when the subscription ends, for letters that are under way.
func (s *subscription) awaitLetters(limit time.Duration) {
	for until := time.Now().Add(limit); time.Now().Before(until); {
		s.serveLetters(time.Now())
		s.mu.Lock()
		left := len(s.failing.letters)
		s.mu.Unlock()
		if left == 0 {
			return
		}
		s.consumer.Wait(10 * time.Millisecond)
	}
}

// letterTopic is whether a topic's dead-letter topic can be written to. The run goroutine owns it.
type letterTopic struct {
	name      string // of the dead-letter topic
	ready     bool
	asking    bool
	notBefore time.Time // when to ask again
}

const (
	// letterTopicRetry is the pause before a dead-letter topic is looked at again that could not be used.
	letterTopicRetry = 5 * time.Second
	// letterAskers is how many are looked at, or created, at once.
	letterAskers = 8
)

// mayFail tells whether the records of a topic can be given up where its policy wants that. Before, none is fetched: that the
// dead-letter topic cannot be used must not come out at the first failure.
func (s *subscription) mayFail(topic string, now time.Time) bool {
	s.mu.Lock()
	name := s.rulesOf(topic).letterTopic(topic, s.group)
	s.mu.Unlock()
	t := s.letterTopics[topic]
	if t == nil || t.name != name {
		t = &letterTopic{name: name, ready: name == ""}
		s.letterTopics[topic] = t
	}
	if !t.ready && !t.asking && !now.Before(t.notBefore) {
		t.asking = s.groups.life.Go(func() {
			defer inTurn(s.groups.letterAskers)()
			err := s.groups.deadLetters.Ensure(s.groups.life.Context, topic, name)
			s.do(func() { s.letterTopicKnown(topic, t, err) })
		})
	}
	return t.ready
}

func (s *subscription) letterTopicKnown(topic string, t *letterTopic, err error) {
	t.asking, t.ready, t.notBefore = false, err == nil, time.Now().Add(letterTopicRetry)
	if err != nil && s.consumer.admits("dead letters: "+err.Error()) {
		s.log.Warn("topic waits for its dead-letter topic", "topic", topic, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.obstacles.noLetterTopic(topic, err)
	if err != nil {
		s.dispatch.WakeAll()
	}
}

package producer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// lookups find out which topics exist whose records wait at the gate. One goroutine asks for as long as there are
// any, for many in one request: a burst of new topics costs neither a thread nor a request each.
type lookups struct {
	mu       sync.Mutex // guards what follows
	waiting  []*topic   // nobody has asked for them yet
	returned []returned // whose topics are to be asked for again
	asking   bool       // the goroutine is there
}

// returned is a record that a producer has not taken, as it does not know the topic or the partition.
type returned struct {
	topic  *topic
	record heldRecord
	code   librdkafka.Code
}

const (
	maxAsked = 1000 // topics that are asked for at once
	minAsked = 50   // even when the brokers are slow
	// lookTime bounds one question, and so how late a record that has waited too long is given up.
	lookupTime  = 2 * time.Second
	lookupPause = 200 * time.Millisecond // after a question in vain
	// lookAgainAfter is the least time between two questions for partitions that a topic did not have.
	lookAgainAfter = 200 * time.Millisecond
)

// lookUp has the brokers asked for a topic, of which records wait at the gate.
func (ps *Producers) lookUp(t *topic) {
	l := &ps.topics.lookups
	l.mu.Lock()
	t.lookup.absentSince = time.Time{}
	if t.awaitsPartition { // a client that is wrong has the brokers asked no more often
		t.due = laterOf(time.Now(), t.due.Add(lookAgainAfter))
	}
	asked := l.start(ps)
	if asked {
		l.waiting = append(l.waiting, t)
	}
	l.mu.Unlock()
	if !asked {
		t.giveUpHeld(ps)
	}
}

// giveBack has the brokers asked again for the topic of a record. The goroutine takes it: who opens a topic, and finds
// that a producer does not know it, has the topic's lock.
func (ps *Producers) giveBack(r returned) (taken bool) {
	l := &ps.topics.lookups
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.start(ps) {
		l.returned = append(l.returned, r)
		return true
	}
	return false
}

// inquire has the goroutine run; false when the client is being closed. The lock is held.
func (l *lookups) start(ps *Producers) bool {
	if !l.asking {
		l.asking = ps.life.Go(func() { (&lookupLoop{producers: ps, most: maxAsked}).run(ps.life.Context) })
	}
	return l.asking
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// inquiry is the state of the goroutine that looks topics up.
type lookupLoop struct {
	producers *Producers
	topics    []*topic // that are not decided, in the order in which they came
	most      int      // topics in one question
}

// run asks until no topic is left.
func (q *lookupLoop) run(ctx context.Context) {
	for q.more() {
		pause := q.round(ctx)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			q.end()
			return
		}
	}
}

// more takes over what came meanwhile; without any topic the goroutine ends.
func (q *lookupLoop) more() bool {
	l := &q.producers.topics.lookups
	for {
		l.mu.Lock()
		if back := l.returned; len(back) > 0 {
			l.returned = nil
			l.mu.Unlock()
			q.producers.takeBack(back)
			continue
		}
		q.topics = append(q.topics, l.waiting...)
		l.waiting = nil
		l.asking = len(q.topics) > 0
		asking := l.asking
		l.mu.Unlock()
		return asking
	}
}

// takeBack has the gate keep records until the brokers were asked once more.
func (ps *Producers) takeBack(back []returned) {
	for i := range back {
		t, r := back[i].topic, &back[i].record
		err := kerr.ErrFull
		if t.waitingTopic(back[i].code).mayWaitAgain(time.Now()) {
			err = ps.lookAgain(t, r, back[i].code)
		}
		failure, is := errors.AsType[*Error](err)
		if err != nil && !is { // there is no room, or it has been asked for often
			reason := reasonFor(back[i].code, partitionOf(r.details)) + " as far as this producer knows: the brokers may have it"
			failure = &Error{Outcome: record.Retry, Topic: t.name, Reason: reason}
		}
		if err != nil {
			ps.giveUp(t, r, failure)
			r.producer.accumulator.lost.note(ps.log, failure)
		}
	}
}

// end gives up what is held because the client is being closed.
func (q *lookupLoop) end() {
	for q.more() {
		for _, t := range q.topics {
			t.giveUpHeld(q.producers)
		}
		q.topics = nil
	}
}

// round asks for some of the topics, and returns how long to wait before the next round.
func (q *lookupLoop) round(ctx context.Context) time.Duration {
	some := q.due(time.Now())
	if len(some) == 0 {
		return lookAgainAfter / 10
	}
	absent, err := q.look(ctx, some)
	if err == nil {
		q.most = min(2*q.most, maxAsked)
		absent, err = q.settle(ctx, absent)
	} else {
		q.most = max(q.most/2, minAsked)
	}
	q.topics = append(q.topics, absent...)
	switch {
	case err != nil:
		q.expire("no broker could be asked whether it exists: " + kerr.Reason(err))
		return lookupPause
	case len(absent) > 0 && len(absent) == len(q.topics): // all have been asked for
		return appearanceTime / 10
	}
	return 0
}

// due takes out the topics that are asked for now.
func (q *lookupLoop) due(now time.Time) (due []*topic) {
	var later []*topic
	for _, t := range q.topics {
		if len(due) < q.most && !now.Before(t.due) {
			due = append(due, t)
		} else {
			later = append(later, t)
		}
	}
	q.topics = later
	return due
}

// look asks for topics and opens those that exist. It returns the others: with an error, all.
func (q *lookupLoop) look(ctx context.Context, topics []*topic) (absentees []*topic, err error) {
	names := map[string]bool{} // each once: librdkafka refuses others
	for _, t := range topics {
		names[t.name] = true
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	var found []librdkafka.Topic
	err = q.producers.cluster.Ask(func(a *cluster.Admin) (err error) {
		found, err = a.TopicsByName(ctx, slices.Collect(maps.Keys(names)))
		return err
	})
	if err != nil {
		return topics, err
	}
	byName := map[string]*librdkafka.Topic{}
	for i := range found {
		byName[found[i].Name] = &found[i]
	}
	var opened []*topic
	for _, t := range topics {
		there := byName[t.name]
		if there == nil || kerr.Absent(there.Err) {
			absentees = append(absentees, t)
			continue
		}
		if n := len(there.Partitions); there.Err == librdkafka.None && n > 0 {
			t.rejectUnknownPartitions(q.producers, n)
		}
		opened = append(opened, t)
	}
	q.open(opened)
	return absentees, nil
}

// open lets the records of topics pass, when the producers that have some have learned of the topics.
func (q *lookupLoop) open(topics []*topic) {
	names := map[*producer][]string{}
	for _, t := range topics {
		holders := t.holders()
		if t.awaitsPartition { // sessions may be waiting to try again
			holders = q.producers.all
		}
		for _, p := range holders {
			if q.producers.life.Context.Err() != nil {
				break // nobody waits for an answer any more
			}
			if t.row != nil { // it has been open before: what the producer knows of it is old
				p.handle.Load().RefreshTopic(t.name, cluster.TurnTime)
			} else {
				names[p] = append(names[p], t.name)
			}
		}
	}
	for p, topics := range names {
		p.handle.Load().RequestTopics(topics, cluster.TurnTime)
	}
	for _, t := range topics {
		t.lookup.open(time.Now())
		t.open(q.producers)
	}
}

// settle decides about topics that a broker does not know, and returns those that are still open: one may be on its
// way, and the brokers' settings may not be known.
func (q *lookupLoop) settle(ctx context.Context, absent []*topic) (open []*topic, err error) {
	if len(absent) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	creates := cluster.AutoCreateUnknown
	err = q.producers.cluster.Ask(func(a *cluster.Admin) (err error) {
		if creates, err = a.AutoCreates(ctx); err == nil && creates == cluster.AutoCreateUnknown {
			err = createAll(ctx, a, absent)
		}
		return err
	})
	if err != nil {
		return absent, err
	}
	for _, t := range absent {
		switch {
		case creates == cluster.AutoCreateOn:
			t.open(q.producers)
		case t.lookup.overdue(time.Now()):
			t.refuse(q.producers)
		default:
			open = append(open, t)
		}
	}
	return open, nil
}

// createAll asks brokers that do not say whether they create topics to do it, once for each topic.
func createAll(ctx context.Context, a *cluster.Admin, topics []*topic) error {
	for _, t := range topics {
		if !t.lookup.absentSince.IsZero() {
			continue
		}
		if err := a.CreateTopic(ctx, t.name); err != nil {
			return err
		}
	}
	return nil
}

// expire gives up records that have waited too long, and forgets topics of which no record waits any more.
func (q *lookupLoop) expire(reason string) {
	before := time.Now().Add(-heldFor)
	var left []*topic
	for _, t := range q.topics {
		if !t.expire(q.producers, before, reason) {
			left = append(left, t)
		}
	}
	q.topics = left
}

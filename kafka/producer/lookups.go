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

// lookups find out which topics exist, of those that records at the gate wait for. One goroutine asks for many topics
// in one request. So a burst of new topics costs neither a thread nor a request for each.
type lookups struct {
	mu       sync.Mutex // guards what follows
	waiting  []*topic   // not asked for yet
	returned []returned // records whose topics are to be asked for again
	asking   bool       // the loop runs
}

// returned is a record that came back, because a producer does not know its topic or partition.
type returned struct {
	topic  *topic
	record heldRecord
	code   librdkafka.Code
}

const (
	maxAsked = 1000 // topics in one question
	minAsked = 50   // topics in one question when the brokers are slow
	// lookupTime bounds one question. So it also bounds how late a record is given up that has waited for too long.
	lookupTime  = 2 * time.Second
	lookupPause = 200 * time.Millisecond // after a question without an answer
	// lookAgainAfter is the least time between two questions for partitions that a topic did not have.
	lookAgainAfter = 200 * time.Millisecond
)

// lookUp has the loop ask the brokers for a topic.
func (ps *Producers) lookUp(t *topic) {
	l := &ps.topics.lookups
	l.mu.Lock()
	t.lookup.absentSince = time.Time{}
	if t.awaitsPartition { // so a client's mistake does not have the brokers asked all the time
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

// giveBack has the loop ask again for the topic of a record. The loop takes the record, because the caller may hold
// the topic's lock.
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

// start makes sure that the loop runs. It returns false when the client is being closed. The lock is held.
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

// lookupLoop is the state of the goroutine that looks topics up.
type lookupLoop struct {
	producers *Producers
	topics    []*topic // not decided yet, in the order in which they came
	most      int      // how many topics one question may have
}

// run asks the brokers until no topic is left.
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

// more takes over what came meanwhile. It returns false, and the loop ends, when there is no topic.
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

// takeBack has the gate hold records that came back, until the brokers were asked once more.
func (ps *Producers) takeBack(back []returned) {
	for i := range back {
		t, r := back[i].topic, &back[i].record
		err := kerr.ErrFull
		if t.waitingTopic(back[i].code).mayWaitAgain(time.Now()) {
			err = ps.lookAgain(t, r, back[i].code)
		}
		failure, is := errors.AsType[*Error](err)
		if err != nil && !is { // the gate has no room, or the brokers were asked too often
			reason := reasonFor(back[i].code, partitionOf(r.details)) + " as far as this producer knows: the brokers may have it"
			failure = &Error{Outcome: record.Retry, Topic: t.name, Reason: reason}
		}
		if err != nil {
			ps.giveUp(t, r, failure)
			r.producer.accumulator.lost.note(ps.log, failure)
		}
	}
}

// end gives up all records that wait, because the client is being closed.
func (q *lookupLoop) end() {
	for q.more() {
		for _, t := range q.topics {
			t.giveUpHeld(q.producers)
		}
		q.topics = nil
	}
}

// round asks for some topics, and returns the time until the next round.
func (q *lookupLoop) round(ctx context.Context) time.Duration {
	some := q.due(time.Now())
	if len(some) == 0 {
		return lookAgainAfter / 10
	}
	absent, err := q.look(ctx, some)
	if err == nil {
		q.most = min(2*q.most, maxAsked)
		absent, err = q.decide(ctx, absent)
	} else {
		q.most = max(q.most/2, minAsked)
	}
	q.topics = append(q.topics, absent...)
	switch {
	case err != nil:
		q.expire(err)
		return lookupPause
	case len(absent) > 0 && len(absent) == len(q.topics): // all were asked for
		return appearanceTime / 10
	}
	return 0
}

// due takes out the topics that may be asked for now.
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

// look asks for topics, and opens those that exist. It returns the other topics, or all topics with an error.
func (q *lookupLoop) look(ctx context.Context, topics []*topic) (absentees []*topic, err error) {
	names := map[string]bool{} // each name once, or librdkafka refuses the question
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

// open lets the records of topics pass. First the producers that have such records learn of the topics.
func (q *lookupLoop) open(topics []*topic) {
	names := map[*producer][]string{}
	for _, t := range topics {
		holders := t.holders()
		if t.awaitsPartition { // sessions may be waiting to try again
			holders = q.producers.all
		}
		for _, p := range holders {
			if q.producers.life.Context.Err() != nil {
				break // the client is being closed
			}
			if t.row != nil { // it was open before, so the producer's knowledge is old
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

// decide opens or refuses topics that a broker does not know. It returns topics that cannot be decided yet: a topic may
// still appear, or the brokers' settings may be unknown.
func (q *lookupLoop) decide(ctx context.Context, absent []*topic) (open []*topic, err error) {
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

// createAll asks the brokers to create topics, once for each topic. It is for brokers that do not say whether they do
// so.
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

// expire gives up records that have waited for too long, because no broker could be asked. It forgets topics that no record waits for any more.
func (q *lookupLoop) expire(asked error) {
	before := time.Now().Add(-heldFor)
	var left []*topic
	for _, t := range q.topics {
		if !t.expire(q.producers, before, asked) {
			left = append(left, t)
		}
	}
	q.topics = left
}

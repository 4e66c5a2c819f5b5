package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// lookups find out which topics exist whose records wait at the gate. One goroutine asks for as long as there are
// any, for many in one request: a burst of new topics costs neither a thread nor a request each.
type lookups struct {
	mu      sync.Mutex // guards what follows
	waiting []*topic   // nobody has asked for them yet
	asking  bool       // the goroutine is there
}

const (
	lookedUp   = 1000 // topics that are asked for at once
	leastAsked = 50   // even when the brokers are slow
	// lookTime bounds one question, and so how late a record that has waited too long is given up.
	lookTime  = 2 * time.Second
	lookPause = 200 * time.Millisecond // after a question in vain
)

// lookUp has the brokers asked for a topic, of which records wait at the gate.
func (c *Client) lookUp(t *topic) {
	l := &c.topics.lookups
	l.mu.Lock()
	defer l.mu.Unlock()
	t.absentSince = time.Time{}
	l.waiting = append(l.waiting, t)
	if !l.asking {
		l.asking = c.start(func() { (&inquiry{client: c, most: lookedUp}).run(c.ctx) })
	}
	if !l.asking {
		l.waiting = nil
		t.strand(c)
	}
}

// inquiry is the state of the goroutine that looks topics up.
type inquiry struct {
	client *Client
	topics []*topic // that are not decided, in the order in which they came
	most   int      // topics in one question
}

// run asks until no topic is left.
func (q *inquiry) run(ctx context.Context) {
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
func (q *inquiry) more() bool {
	l := &q.client.topics.lookups
	l.mu.Lock()
	defer l.mu.Unlock()
	q.topics = append(q.topics, l.waiting...)
	l.waiting = nil
	l.asking = len(q.topics) > 0
	return l.asking
}

// end gives up what is held because the client is being closed.
func (q *inquiry) end() {
	for q.more() {
		for _, t := range q.topics {
			t.strand(q.client)
		}
		q.topics = nil
	}
}

// round asks for some of the topics, and returns how long to wait before the next round.
func (q *inquiry) round(ctx context.Context) time.Duration {
	n := min(q.most, len(q.topics))
	some := q.topics[:n:n]
	q.topics = q.topics[n:]
	absent, err := q.look(ctx, some)
	if err == nil {
		q.most = min(2*q.most, lookedUp)
		absent, err = q.settle(ctx, absent)
	} else {
		q.most = max(q.most/2, leastAsked)
	}
	q.topics = append(q.topics, absent...)
	switch {
	case err != nil:
		q.expire("no broker could be asked whether it exists: " + plainly(err))
		return lookPause
	case len(absent) > 0 && len(absent) == len(q.topics): // all have been asked for
		return appearance / 10
	}
	return 0
}

// look asks for topics and opens those that exist. It returns the others: with an error, all.
func (q *inquiry) look(ctx context.Context, topics []*topic) (absentees []*topic, err error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.name
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var found []librdkafka.Topic
	err = q.client.ask(func(a *Admin) (err error) {
		found, err = a.look(ctx, names)
		return err
	})
	if err != nil {
		return topics, err
	}
	exists := map[string]bool{}
	for i := range found {
		exists[found[i].Name] = !absent(found[i].Err)
	}
	var opened []*topic
	for _, t := range topics {
		if exists[t.name] {
			opened = append(opened, t)
		} else {
			absentees = append(absentees, t)
		}
	}
	q.open(opened)
	return absentees, nil
}

// open lets the records of topics pass, when the producers that have some have learned of the topics.
func (q *inquiry) open(topics []*topic) {
	names := map[*producer][]string{}
	for _, t := range topics {
		for _, p := range t.holders() {
			names[p] = append(names[p], t.name)
		}
	}
	for p, topics := range names {
		p.handle.Load().Learn(topics, callTurn)
	}
	for _, t := range topics {
		t.open(q.client)
	}
}

// settle decides about topics that a broker does not know, and returns those that are still open: one may be on its
// way, and the brokers' settings may not be known.
func (q *inquiry) settle(ctx context.Context, absent []*topic) (open []*topic, err error) {
	if len(absent) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	creates := creationUnknown
	err = q.client.ask(func(a *Admin) (err error) {
		if creates, err = a.autoCreates(ctx); err == nil && creates == creationUnknown {
			err = createAll(ctx, a, absent)
		}
		return err
	})
	if err != nil {
		return absent, err
	}
	for _, t := range absent {
		switch {
		case creates == creationOn:
			t.open(q.client)
		case t.overdue(time.Now()):
			t.refuse(q.client)
		default:
			open = append(open, t)
		}
	}
	return open, nil
}

// createAll asks brokers that do not say whether they create topics to do it, once for each topic.
func createAll(ctx context.Context, a *Admin, topics []*topic) error {
	for _, t := range topics {
		if !t.absentSince.IsZero() {
			continue
		}
		if err := a.create(ctx, t.name); err != nil {
			return err
		}
	}
	return nil
}

// appearance bounds the wait for a topic that may be on its way: the brokers were asked to create it,
// or one knows already what the one that was asked does not.
const appearance = 300 * time.Millisecond

// overdue tells whether a topic that may be on its way has had its time, which begins with the first call.
func (t *topic) overdue(now time.Time) bool {
	if t.absentSince.IsZero() {
		t.absentSince = now
	}
	return now.Sub(t.absentSince) >= appearance
}

// expire gives up records that have waited too long, and forgets topics of which no record waits any more.
func (q *inquiry) expire(reason string) {
	before := time.Now().Add(-heldFor)
	var left []*topic
	for _, t := range q.topics {
		if !t.expire(q.client, before, reason) {
			left = append(left, t)
		}
	}
	q.topics = left
}

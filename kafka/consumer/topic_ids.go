package consumer

import (
	"context"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
)

// identifyGap bounds one round of identify between two beats.
const identifyGap = cluster.QuestionTime + 5*time.Second

// watchTopics asks, at every commit interval, for the ids of the topics of which partitions are assigned here, for as long as
// the client lives.
func (g *Groups) watchTopics(ctx context.Context) {
	beat, end := g.config().Watch("topics", identifyGap)
	defer end()
	for ctx.Err() == nil {
		beat()
		g.identify(ctx)
		select {
		case <-time.After(min(watchGap, g.config().CommitInterval)):
		case <-g.opened: // a partition: what is known of its topic may be old
		case <-ctx.Done():
		}
	}
}

// identify tells the subscriptions which ids their topics have.
func (g *Groups) identify(ctx context.Context) {
	subscriptions := g.open()
	here := map[string]bool{}
	for _, s := range subscriptions {
		s.topicsHere(here)
	}
	if len(here) == 0 {
		return
	}
	names := make([]string, 0, len(here))
	for name := range here {
		names = append(names, name)
	}
	asked := time.Now()
	bounded, cancel := context.WithTimeout(ctx, cluster.QuestionTime)
	defer cancel()
	var ids map[string]string
	err := g.cluster.Ask(func(a *cluster.Admin) (err error) {
		ids, err = a.TopicIDs(bounded, names)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		asked = time.Now() // nobody has to wait for an answer any more
	}
	for _, s := range subscriptions {
		s.do(func() { s.identified(ids, asked) })
	}
}

// topicsHere adds the topics of which partitions are assigned here.
func (s *Subscription) topicsHere(here map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.dispatch.Partitions() {
		here[l.Topic] = true
	}
}

// topicLog is what is known of the log behind a topic.
type topicLog struct {
	id   string   // empty: not known
	gone []string // earlier ones: a broker that lags behind may still tell them
	asOf time.Time
}

// goneIDs is how many earlier ids of a topic are remembered.
const goneIDs = 8

// identified takes ids that were asked for at some time.
func (s *Subscription) identified(ids map[string]string, asked time.Time) {
	topics := map[string]bool{}
	for tp := range s.partitions {
		topics[tp.Topic] = true
	}
	for topic := range topics {
		if id := ids[topic]; id != "" {
			s.identifiedAs(topic, id, asked)
		}
	}
	s.forgetLogs(topics, asked)
	for _, f := range s.partitions {
		if f.past != nil && asked.After(f.opened) {
			f.identified = true
			s.inherit(f)
		}
	}
}

func (s *Subscription) identifiedAs(topic, id string, asked time.Time) {
	l := s.logs[topic]
	switch {
	case l == nil:
		s.logs[topic] = &topicLog{id: id, asOf: asked}
	case l.id == id:
		l.asOf = asked
	case l.knew(id):
	default:
		was := l.id
		l.gone = append(l.gone, l.id)
		l.gone = l.gone[max(0, len(l.gone)-goneIDs):]
		before := l.asOf
		l.id, l.asOf = id, asked
		s.createdAgain(topic, was, id, before)
	}
}

func (l *topicLog) knew(id string) bool {
	for _, gone := range l.gone {
		if gone == id {
			return true
		}
	}
	return false
}

// logKept is how long the id of a topic is remembered of which nothing is assigned here.
const logKept = 10 * time.Minute

func (s *Subscription) forgetLogs(here map[string]bool, now time.Time) {
	for topic, l := range s.logs {
		if !here[topic] && now.Sub(l.asOf) > logKept {
			delete(s.logs, topic)
		}
	}
	for tp := range s.past {
		if s.logs[tp.Topic] == nil && !here[tp.Topic] {
			delete(s.past, tp)
		}
	}
}

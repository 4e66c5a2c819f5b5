package consumer

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// discovery finds the topics that match the patterns of subscriptions. There is one discovery while any subscription has
// patterns. Its goroutine alone matches, so costly patterns take one core at most.
type discovery struct {
	groups   *Groups
	names    []string // all topics of the cluster, as last listed
	listAt   time.Time
	searches map[*subscription]*search
}

// discovering tells of the discovery's goroutine. The mutex of Groups guards running.
type discovering struct {
	running bool
	sought  chan struct{} // tells the goroutine of a new subscription with patterns
}

// search is how far the names were matched for one subscription.
type search struct {
	rest    []string      // names that were not matched yet
	found   []string      // names that match
	spent   time.Duration // time spent on this subscription
	changed bool          // found differs from what the subscription was told
}

const (
	// matchSlice is how long names are matched for one subscription before another has its turn.
	matchSlice = 10 * time.Millisecond
	// discoveryWait bounds a pause; discoveryGap bounds the time between two beats.
	discoveryWait = time.Second
	discoveryGap  = cluster.RefreshGap
)

// discover has the patterns of a new subscription matched. The mutex of Groups is held.
func (g *Groups) discover() {
	if g.discovering.running {
		select {
		case g.discovering.sought <- struct{}{}:
		default: // it was told already
		}
		return
	}
	g.discovering.running = true
	g.life.Go(func() { (&discovery{groups: g, searches: map[*subscription]*search{}}).run(g.life.Context) })
}

// run matches patterns until no subscription has any.
func (d *discovery) run(ctx context.Context) {
	beat, end := d.groups.config().Watch("patterns", discoveryGap)
	defer end()
	for d.notice() {
		beat()
		if !time.Now().Before(d.listAt) {
			d.list(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if !d.look() {
			d.rest(ctx)
		}
	}
}

// notice adds searches for new subscriptions, which need a new list of topics, and drops those of ended ones. It returns
// false when no subscription has patterns.
func (d *discovery) notice() bool {
	open := d.groups.withPatterns()
	for s := range d.searches {
		if !slices.Contains(open, s) {
			delete(d.searches, s)
		}
	}
	for _, s := range open {
		if d.searches[s] == nil {
			d.searches[s] = &search{rest: d.names, changed: true}
			d.listAt = time.Time{}
		}
	}
	return len(open) > 0
}

// withPatterns lists the subscriptions that have patterns. When there are none, the discovery ends.
func (g *Groups) withPatterns() []*subscription {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []*subscription
	for _, s := range g.subscriptions {
		if s.topicSet.HasPatterns() {
			list = append(list, s)
		}
	}
	g.discovering.running = len(list) > 0
	return list
}

// list asks for the names of all topics. New names are to be matched; names that are gone are forgotten.
func (d *discovery) list(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cluster.QuestionTime)
	defer cancel()
	names, err := d.groups.cluster.TopicNames(ctx)
	if err != nil {
		d.listAt = time.Now().Add(cluster.PingRetry)
		return
	}
	d.listAt = time.Now().Add(discoveryInterval(d.groups.config()))
	added := without(names, d.names)
	gone := without(d.names, names)
	for _, s := range d.searches {
		s.rest = append(without(s.rest, gone), added...)
		kept := without(s.found, gone)
		s.changed = s.changed || len(kept) < len(s.found)
		s.found = kept
	}
	d.names = append([]string{}, names...)
}

// without is a copy of list without the names in other, which is sorted.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool {
		_, in := slices.BinarySearch(other, name)
		return in
	})
}

// discoveryInterval is the time between two lists of topics: what the operator sets for librdkafka's metadata refresh.
func discoveryInterval(c *config.Config) time.Duration {
	const name = "topic.metadata.refresh.interval.ms"
	millis, err := strconv.Atoi(c.ConsumerProperties("", nil, 0)[name])
	if err != nil || millis <= 0 {
		return 4 * time.Second
	}
	return max(100*time.Millisecond, time.Duration(millis)*time.Millisecond)
}

// look matches names for the subscription that has taken the least time. So cheap patterns do not wait for costly ones.
// It returns false when there is nothing to match.
func (d *discovery) look() bool {
	var next *subscription
	for s, of := range d.searches {
		if (len(of.rest) > 0 || of.changed) && (next == nil || of.spent < d.searches[next].spent) {
			next = s
		}
	}
	if next == nil || d.names == nil {
		return false
	}
	of := d.searches[next]
	of.match(next.topicSet)
	if len(of.rest) == 0 && of.changed {
		of.changed = false
		next.discovered(of.found)
	}
	return true
}

// match matches names for the time of a slice.
func (s *search) match(set *topicset.Set) {
	began := time.Now()
	for len(s.rest) > 0 && time.Since(began) < matchSlice {
		if set.Matches(s.rest[0]) {
			s.found, s.changed = append(s.found, s.rest[0]), true
		}
		s.rest = s.rest[1:]
	}
	s.spent += time.Since(began)
}

// rest waits until the next list is due, or a subscription is new.
func (d *discovery) rest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(discoveryWait, time.Until(d.listAt)))
	defer cancel()
	select {
	case <-d.groups.discovering.sought:
	case <-ctx.Done():
	}
}

// discovered tells the subscription which topics match its patterns now.
func (s *subscription) discovered(found []string) {
	s.topicSet.Find(slices.Sorted(slices.Values(found)))
	s.do(s.subscribe)
}

// subscribe joins the group for the topics that exist. When none is left, the subscription stays as it was: brokers that
// have just started may know no topics yet.
func (s *subscription) subscribe() {
	topics := s.topicSet.Topics()
	if len(topics) == 0 {
		return
	}
	if err := s.consumer.Subscribe(topics); err != nil {
		s.failure(librdkafka.Event{Kind: librdkafka.Failure, Text: "not subscribed to topics of a pattern: " + err.Error()})
		return
	}
	if s.topicSet.HasPatterns() {
		s.log.Info("topics of a pattern found", "topics", len(topics))
	}
}

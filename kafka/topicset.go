package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// topicSet is what a subscription subscribes to: names, and patterns, which begin with ^, with what they match.
type topicSet struct {
	names    []string
	patterns []pattern
	found    atomic.Pointer[[]string] // names that match, in order; nil until the cluster's were looked through
	first    chan struct{}            // closed when found is set
}

// newTopicSet fails when a pattern is none, or all together cost too much.
func newTopicSet(topics []string) (*topicSet, error) {
	s := &topicSet{first: make(chan struct{})}
	cost := 0
	for _, name := range topics {
		if !strings.HasPrefix(name, "^") {
			s.names = append(s.names, name)
			continue
		}
		p, err := parsePattern(name, longestPattern+len(wholeName))
		if err != nil {
			return nil, &PatternError{name, err}
		}
		if cost += p.cost; cost > costliestPatterns {
			return nil, &PatternError{name, fmt.Errorf("with those before it, %w", tooCostly(cost))}
		}
		s.patterns = append(s.patterns, p)
	}
	return s, nil
}

// PatternError says why a pattern of topics is not taken.
type PatternError struct {
	Pattern string
	Err     error
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("bad topic pattern %q: %v", e.Pattern, e.Err)
}

// Unwrap is the reason.
func (e *PatternError) Unwrap() error { return e.Err }

// matches tells whether a name fits one of the patterns.
func (s *topicSet) matches(name string) bool {
	return slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.MatchString(name) })
}

// find notes which names the patterns match. Only the client's discovery calls it.
func (s *topicSet) find(found []string) {
	if s.found.Swap(&found) == nil {
		close(s.first)
	}
}

// matched are the names that the patterns match, as far as they were looked for.
func (s *topicSet) matched() []string {
	if found := s.found.Load(); found != nil {
		return *found
	}
	return nil
}

// has tells whether the topic is one of the set. It matches nothing: that takes time.
func (s *topicSet) has(topic string) bool {
	if slices.Contains(s.names, topic) {
		return true
	}
	_, found := slices.BinarySearch(s.matched(), topic)
	return found
}

// topics are those that there are to subscribe to, in order.
func (s *topicSet) topics() []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.names, s.matched()))))
}

// Topics lists what the member is subscribed to: of a pattern the topics that match it, once the cluster's were looked
// through.
func (m *Member) Topics(ctx context.Context) ([]string, error) {
	set := m.sub.interest
	if len(set.patterns) > 0 {
		select {
		case <-set.first:
		case <-m.sub.gone:
			return nil, kerr.ErrStopping
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", kerr.ErrNoAnswer, kerr.Reason(ctx.Err()))
		}
	}
	return set.topics(), nil
}

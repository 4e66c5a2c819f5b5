// Package topicset says which topics of a cluster a subscription consumes.
package topicset

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// Set is what a subscription subscribes to: names, and patterns, which begin with ^, with what they match.
type Set struct {
	names    []string
	patterns []pattern
	found    atomic.Pointer[[]string] // names that match, in order; nil until the cluster's were looked through
	First    chan struct{}            // closed when found is set
}

// New fails when a pattern is none, or all together cost too much.
func New(topics []string) (*Set, error) {
	s := &Set{First: make(chan struct{})}
	cost := 0
	for _, name := range topics {
		if !strings.HasPrefix(name, "^") {
			s.names = append(s.names, name)
			continue
		}
		p, err := parsePattern(name, LongestPattern+len(WholeName))
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

// HasPatterns tells whether the set has patterns.
func (s *Set) HasPatterns() bool { return len(s.patterns) > 0 }

// Literal are the names that are no patterns, in order.
func (s *Set) Literal() []string { return s.names }

// Searched is closed when the cluster's topics were looked through once.
func (s *Set) Searched() <-chan struct{} { return s.First }

// Matches tells whether a name fits one of the patterns.
func (s *Set) Matches(name string) bool {
	return slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.MatchString(name) })
}

// Find notes which names the patterns match. Only the client's discovery calls it.
func (s *Set) Find(found []string) {
	if s.found.Swap(&found) == nil {
		close(s.First)
	}
}

// Matched are the names that the patterns match, as far as they were looked for.
func (s *Set) Matched() []string {
	if found := s.found.Load(); found != nil {
		return *found
	}
	return nil
}

// Has tells whether the topic is one of the set. It matches nothing: that takes time.
func (s *Set) Has(topic string) bool {
	if slices.Contains(s.names, topic) {
		return true
	}
	_, found := slices.BinarySearch(s.Matched(), topic)
	return found
}

// Topics are those that there are to subscribe to, in order.
func (s *Set) Topics() []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.names, s.Matched()))))
}

// Overlaps tells whether a topic may be one of both. Two patterns are taken to have one in common.
func (s *Set) Overlaps(other *Set) bool {
	if len(s.patterns) > 0 && len(other.patterns) > 0 {
		return true
	}
	for _, name := range s.names {
		if other.Has(name) {
			return true
		}
	}
	for _, name := range other.names {
		if s.Has(name) {
			return true
		}
	}
	return false
}

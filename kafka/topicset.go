package kafka

import (
	"regexp"
	"slices"
	"strings"
)

// topicSet is what a subscription subscribes to: names, and patterns, which begin with ^.
type topicSet struct {
	names    []string
	patterns []*regexp.Regexp
}

func newTopicSet(topics []string) topicSet {
	var s topicSet
	for _, name := range topics {
		if !strings.HasPrefix(name, "^") {
			s.names = append(s.names, name)
			continue
		}
		if pattern, err := regexp.Compile(name); err == nil {
			s.patterns = append(s.patterns, pattern)
		}
	}
	return s
}

// has tells whether the topic is one of the set. A pattern that only librdkafka understands has none.
func (s *topicSet) has(topic string) bool {
	return slices.Contains(s.names, topic) ||
		slices.ContainsFunc(s.patterns, func(p *regexp.Regexp) bool { return p.MatchString(topic) })
}

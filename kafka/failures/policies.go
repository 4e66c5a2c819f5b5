package failures

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Policies are the policies of all groups, as the section groups of the configuration has them. Names of groups and topics
// may be patterns: * is any text, ? is any one character.
type Policies []GroupPolicies

// GroupPolicies are the policies of the groups with a name, or whose names fit a pattern.
type GroupPolicies struct {
	Group  string
	Topics []TopicPolicy
}

// TopicPolicy is the policy of the topic with a name, or of topics whose names fit a pattern.
type TopicPolicy struct {
	Topic  string
	Policy Policy
}

// Find returns the policy of a topic in a group, with defaults for what is not set, and the name of the dead-letter topic.
//
// A name comes before patterns, and patterns come in the file's order, for the group and then for the topic. A group in
// which no topic fits is passed over: then the next pattern that the group fits decides. Policies are never merged.
//
// A topic of dead letters has no dead letters of its own. So a pattern that it happens to fit gives it none.
func (ps Policies) Find(group, topic string) Policy {
	found, is := ps.lookUp(group, topic)
	if !is {
		return Default()
	}
	policy := found.Policy.WithDefaults()
	if policy.DeadLetter.Auto {
		policy.DeadLetter.Topic = TopicName(topic, group)
	}
	if ps.holdsDeadLetters(topic) && !ps.meansDeadLetters(found.Topic) {
		policy.DeadLetter, policy.MaxRetries, policy.ExpireAfter = DeadLetter{}, Unlimited, 0
	}
	return policy
}

func (ps Policies) lookUp(group, topic string) (TopicPolicy, bool) {
	for g := range closest(ps, func(g GroupPolicies) string { return g.Group }, group) {
		for t := range closest(g.Topics, func(t TopicPolicy) string { return t.Topic }, topic) {
			return t, true
		}
	}
	return TopicPolicy{}, false
}

// closest yields the entry that has the name, then those whose pattern it fits, in order.
func closest[T any](all []T, key func(T) string, name string) iter.Seq[T] {
	return func(yield func(T) bool) {
		exact := slices.IndexFunc(all, func(entry T) bool { return key(entry) == name })
		if exact >= 0 && !yield(all[exact]) {
			return
		}
		for i, entry := range all {
			if i != exact && fits(key(entry), name) && !yield(entry) {
				return
			}
		}
	}
}

// holdsDeadLetters tells whether a topic is one for dead letters: by its name, or because a policy names it.
func (ps Policies) holdsDeadLetters(topic string) bool {
	if IsLetterTopic(topic) {
		return true
	}
	for _, g := range ps {
		if slices.ContainsFunc(g.Topics, func(t TopicPolicy) bool { return t.Policy.DeadLetter.Topic == topic }) {
			return true
		}
	}
	return false
}

// meansDeadLetters tells whether an entry was written for topics of dead letters. "*" was not.
func (ps Policies) meansDeadLetters(entry string) bool {
	return IsLetterTopic(entry) || !IsPattern(entry) && ps.holdsDeadLetters(entry)
}

// IsPattern tells whether a name of the configuration stands for others too.
func IsPattern(name string) bool { return strings.ContainsAny(name, "*?") }

// fits tells whether a whole name fits a pattern. path.Match does not do: its * ends at a slash, which names of groups may
// have, and [ has a meaning. Only the last star is tried again: what an earlier one could take, the last one can take too.
func fits(pattern, name string) bool {
	p, n := 0, 0
	star, resume := -1, 0 // behind the last star; where in the name it ends for now
	for n < len(name) {
		_, width := utf8.DecodeRuneInString(name[n:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			star, resume = p, n
		case p < len(pattern) && pattern[p] == '?':
			p, n = p+1, n+width
		case p < len(pattern) && pattern[p] == name[n]:
			p, n = p+1, n+1
		case star >= 0:
			_, width = utf8.DecodeRuneInString(name[resume:])
			resume += width
			p, n = star, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

package failures

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// PolicyError is a part of a policy that cannot work.
type PolicyError struct {
	Group string // as it is written
	Topic string // as it is written; empty: the group is wrong
	Key   string // of the policy; empty: the topic is wrong
	Text  string // the value, and what is allowed
}

// Error has the place and the text, as an operator reads them.
func (e *PolicyError) Error() string {
	place := "groups." + e.Group
	if e.Topic != "" {
		place += ".topics." + e.Topic
	}
	if e.Key != "" {
		place += "." + e.Key
	}
	return place + ": " + e.Text
}

// Mistakes returns everything that cannot work, in the order of the policies.
func (ps Policies) Mistakes() []*PolicyError {
	var all []*PolicyError
	for _, g := range ps {
		if why := wrongGroup(g.Group); why != "" {
			all = append(all, &PolicyError{Group: g.Group, Text: why})
		}
		before := list{group: g.Group}
		for _, t := range g.Topics {
			wrong := func(key, text string) {
				all = append(all, &PolicyError{Group: g.Group, Topic: t.Topic, Key: key, Text: text})
			}
			before.check(t, wrong)
			t.Policy.check(wrong)
			ps.checkDeadLetter(t, wrong)
		}
	}
	return all
}

// longestGroup bounds the name of a group, in bytes.
const longestGroup = 249

func wrongGroup(name string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	if name == "" || len(name) > longestGroup || strings.ContainsFunc(name, odd) {
		return fmt.Sprintf("%q is no name of a group: 1 to %d bytes, and only what can be printed", name, longestGroup)
	}
	return ""
}

// list is what the topics of a group have in common.
type list struct {
	group      string
	all        bool // a topic "*" was there
	dispatch   Dispatch
	dispatchOf string // the topic that has it
}

// check compares a topic with those before it.
func (l *list) check(t TopicPolicy, wrong func(key, text string)) {
	if plain := strings.NewReplacer("*", "x", "?", "x").Replace(t.Topic); !record.ValidTopic(plain) {
		wrong("", fmt.Sprintf("%q is neither the name of a topic nor a pattern: 1 to %d of A-Z, a-z, 0-9, ., _ and -, with * and ? in patterns",
			t.Topic, record.MaxTopic))
	}
	if l.all && IsPattern(t.Topic) {
		wrong("", `is never used: "*" stands above it, and the first pattern that a topic fits decides`)
	}
	l.all = l.all || t.Topic == "*"
	switch d := t.Policy.Dispatch; {
	case d == "":
	case l.dispatch == "":
		l.dispatch, l.dispatchOf = d, t.Topic
	case l.dispatch != d:
		wrong("dispatch", fmt.Sprintf("%s differs from %s, which %s has: all topics of a group have the same", d, l.dispatch, l.dispatchOf))
	}
}

// check adds what cannot work in any topic.
func (p *Policy) check(wrong func(key, text string)) {
	full := p.WithDefaults()
	if full.Multiplier < 1 {
		wrong("multiplier", fmt.Sprintf("%v is less than 1", full.Multiplier))
	}
	if full.MaxBackoff < full.Backoff {
		wrong("max_backoff", fmt.Sprintf("%v is less than backoff, which is %v", full.MaxBackoff, full.Backoff))
	}
	if !full.DeadLetter.Set() && full.MaxRetries != Unlimited {
		wrong("max_retries", fmt.Sprintf("%d needs dead_letter: a record that cannot be given up is tried again for ever", full.MaxRetries))
	}
	if !full.DeadLetter.Set() && full.ExpireAfter != 0 {
		wrong("expire_after", fmt.Sprintf("%v needs dead_letter: a record that cannot be given up does not expire", full.ExpireAfter))
	}
	if n := full.Breaker.Failures; n > 0 && full.MaxRetries != Unlimited && n > full.MaxRetries {
		wrong("breaker", fmt.Sprintf("failures: %d is more than max_retries, which is %d: records would be given up before it opens", n, full.MaxRetries))
	}
	for _, name := range full.Overrides {
		if !slices.Contains(Overridable, name) {
			wrong("overrides", WrongOverride(OverridePrefix+name))
		}
	}
}

// checkDeadLetter adds what is wrong with the topic for dead letters. What a pattern cannot have for one of the topics
// that fit it, Find leaves out there.
func (ps Policies) checkDeadLetter(t TopicPolicy, wrong func(key, text string)) {
	switch to := t.Policy.DeadLetter; {
	case !to.Auto && to.Topic == "":
	case to.Topic != "" && !record.ValidTopic(to.Topic):
		wrong("dead_letter", fmt.Sprintf("%q is not the name of a topic: 1 to %d of A-Z, a-z, 0-9, ., _ and -", to.Topic, record.MaxTopic))
	case to.Topic == t.Topic:
		wrong("dead_letter", to.Topic+" is the topic itself; dead letters need another one")
	case ps.meansDeadLetters(t.Topic):
		wrong("dead_letter", t.Topic+" is for dead letters, which have no dead letters of their own; only skip is allowed")
	}
}

package failures

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// marked is a policy that a test recognizes.
func marked(retries int) Policy {
	return Policy{MaxRetries: retries, DeadLetter: DeadLetter{Skip: true}}
}

func TestTheClosestPolicyIsFound(t *testing.T) {
	ps := Policies{
		{"b*", []TopicPolicy{{"*", marked(1)}}},
		{"billing", []TopicPolicy{{"o*", marked(2)}, {"orders", marked(3)}, {"or*", marked(4)}}},
		{"*", []TopicPolicy{{"orders", marked(5)}, {"pay?ents", marked(6)}}},
		{"team/*", []TopicPolicy{{"*", marked(7)}}},
		{"what?", []TopicPolicy{{"*", marked(8)}}},
	}
	for _, test := range []struct {
		group, topic string
		want         int
	}{
		{"billing", "orders", 3},   // names before the patterns above them
		{"billing", "ordinals", 2}, // the first pattern
		{"billing", "payments", 1}, // its group has nothing for it: the next pattern of the group
		{"bar", "orders", 1},
		{"team/a/b", "orders", 5}, // * takes slashes, and stands first
		{"team/a/b", "audit", 7},
		{"audit", "payments", 6},
		{"what?", "audit", 8}, // a name that looks like a pattern
		{"audit", "audit", Unlimited},
	} {
		if got := ps.Find(test.group, test.topic).MaxRetries; got != test.want {
			t.Errorf("%s, %s: the policy with %d, want %d", test.group, test.topic, got, test.want)
		}
	}
	if diff := cmp.Diff(Default(), Policies(nil).Find("g", "t")); diff != "" {
		t.Errorf("without policies (-want +got):\n%s", diff)
	}
}

func TestWhatAPolicyDoesNotSayIsTheDefault(t *testing.T) {
	find := func(p Policy) Policy { return Policies{{"g", []TopicPolicy{{"t", p}}}}.Find("g", "t") }
	if diff := cmp.Diff(Default(), find(Policy{MaxRetries: RetriesByDefault})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, to := range []DeadLetter{{Auto: true}, {Topic: "x"}, {Skip: true}} {
		if got := find(Policy{MaxRetries: RetriesByDefault, DeadLetter: to}).MaxRetries; got != DefaultRetries {
			t.Errorf("%+v: %d retries", to, got)
		}
	}
	if got := find(Policy{DeadLetter: DeadLetter{Auto: true}}).MaxRetries; got != 0 {
		t.Errorf("no retries became %d", got)
	}
	if got := find(Policy{Backoff: time.Hour}).MaxBackoff; got != time.Hour {
		t.Errorf("with a backoff of 1h it is at most %v", got)
	}
}

// A record of a topic of dead letters is never given up because of a policy that was written for others.
func TestDeadLettersHaveNoDeadLetters(t *testing.T) {
	all := Policy{MaxRetries: 3, ExpireAfter: time.Hour, DeadLetter: DeadLetter{Auto: true}}
	ps := Policies{
		{"repair", []TopicPolicy{{"dlq.*", marked(1)}, {"legacy", marked(2)}}},
		{"orders", []TopicPolicy{{"orders", Policy{DeadLetter: DeadLetter{Topic: "legacy"}}}}},
		{"*", []TopicPolicy{{"*", all}}},
	}
	for _, topic := range []string{"dlq.orders.billing", "legacy"} {
		p := ps.Find("curious", topic)
		if p.DeadLetter.Set() || p.MaxRetries != Unlimited || p.ExpireAfter != 0 {
			t.Errorf("%s: %+v", topic, p)
		}
		if !ps.Find("repair", topic).DeadLetter.Skip {
			t.Errorf("%s: what was written for it does not hold", topic)
		}
	}
	if got := ps.Find("curious", "orders").DeadLetter; got != (DeadLetter{Topic: TopicName("orders", "curious"), Auto: true}) {
		t.Errorf("other topics have %+v", got)
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a/b/c", true},
		{"a/*", "a/", true},
		{"a/*/c", "a/b/b/c", true},
		{"?", "/", true},
		{"?", "é", true},
		{"??", "é", false},
		{"*?é", "éé", true},
		{"*??b", "éb", false},
		{"*", "\xff", true},
		{"?", "\xff", true},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
		{`\*`, "*", false},
		{"**a**", "a", true},
		{"a*b*a", "abaaba", true},
		{"a*b*a", "aaa", false},
	} {
		if got := fits(test.pattern, test.name); got != test.want {
			t.Errorf("%q fits %q: %t", test.name, test.pattern, got)
		}
	}
}

// Where a name has no slash, and a pattern no brackets, path.Match agrees.
func TestPatternsAreGlobs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("abé*?")), 0, 10, -1).Draw(t, "pattern")
		name := rapid.StringOfN(rapid.RuneFrom([]rune("abé")), 0, 12, -1).Draw(t, "name")
		want, err := path.Match(pattern, name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fits(pattern, name); got != want {
			t.Fatalf("%q fits %q: %t", name, pattern, got)
		}
		if slashed := strings.ReplaceAll(name, "b", "/"); fits(strings.ReplaceAll(pattern, "b", "/"), slashed) != want {
			t.Fatalf("slashes make a difference: %q, %q", pattern, slashed)
		}
	})
}

// The lengths that names may have cost no more than their product.
func TestAPatternOfManyStarsEnds(t *testing.T) {
	if fits(strings.Repeat("*a", longestGroup/2), strings.Repeat("a", longestGroup-130)+"b") {
		t.Error("fits")
	}
}

package failures

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryMistakeHasItsPlace(t *testing.T) {
	given := func(p Policy) Policy {
		if p.MaxRetries == 0 {
			p.MaxRetries = RetriesByDefault
		}
		return p
	}
	to := func(topic string) Policy { return given(Policy{DeadLetter: DeadLetter{Topic: topic}}) }
	for _, test := range []struct {
		topic  string
		policy Policy
		want   string // with the others, of a policy for the group g
	}{
		{"t", given(Policy{Multiplier: 0.5}), "t.multiplier: 0.5 is less than 1"},
		{"t", given(Policy{Backoff: 2 * time.Second, MaxBackoff: time.Second}), "t.max_backoff: 1s is less than backoff, which is 2s"},
		{"t", given(Policy{MaxBackoff: time.Millisecond}), "t.max_backoff: 1ms is less than backoff, which is 1s"},
		{"t", Policy{MaxRetries: 3}, "t.max_retries: 3 needs dead_letter: a record that cannot be given up is tried again for ever"},
		{"t", given(Policy{ExpireAfter: time.Second}), "t.expire_after: 1s needs dead_letter: a record that cannot be given up does not expire"},
		{"t", given(Policy{Overrides: []string{"lease", "rate"}}), `t.overrides: "sluice.rate" is not one of sluice.backoff, sluice.dispatch, sluice.lease, sluice.max_retries, sluice.on_error`},
		{"t", to("t"), "t.dead_letter: t is the topic itself; dead letters need another one"},
		{"t", to("a/b"), `t.dead_letter: "a/b" is not the name of a topic: 1 to 249 of A-Z, a-z, 0-9, ., _ and -`},
		{"legacy", to("x"), "legacy.dead_letter: legacy is for dead letters, which have no dead letters of their own; only skip is allowed"},
		{"dlq.t.g", given(Policy{DeadLetter: DeadLetter{Auto: true}}), "dlq.t.g.dead_letter: dlq.t.g is for dead letters, which have no dead letters of their own; only skip is allowed"},
		{"dlq.*", to("x"), "dlq.*.dead_letter: dlq.* is for dead letters, which have no dead letters of their own; only skip is allowed"},
		{"a b", given(Policy{}), `a b: "a b" is neither the name of a topic nor a pattern: 1 to 249 of A-Z, a-z, 0-9, ., _ and -, with * and ? in patterns`},
		{"t[12]", given(Policy{}), `t[12]: "t[12]" is neither the name of a topic nor a pattern: 1 to 249 of A-Z, a-z, 0-9, ., _ and -, with * and ? in patterns`},
		{"t", given(Policy{Dispatch: Shared}), "t.dispatch: shared differs from keyed, which first has: all topics of a group have the same"},
		{"t", given(Policy{}), ""},
		{"legacy", given(Policy{DeadLetter: DeadLetter{Skip: true}}), ""},
		{"dlq.t.g", given(Policy{Backoff: time.Minute}), ""},
	} {
		ps := Policies{
			{"other", []TopicPolicy{{"old", to("legacy")}}},
			{"g", []TopicPolicy{{"first", given(Policy{Dispatch: Keyed})}, {test.topic, test.policy}}},
		}
		got := ""
		for _, m := range ps.Mistakes() {
			got += m.Error()
		}
		want := test.want
		if want != "" {
			want = "groups.g.topics." + want
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.topic, diff)
		}
	}
}

func TestAPatternBelowAStarIsNeverUsed(t *testing.T) {
	topics := []TopicPolicy{{"a*", Default()}, {"*", Default()}, {"orders", Default()}, {"b*", Default()}}
	got := Policies{{"g", topics}}.Mistakes()
	want := []*PolicyError{{"g", "b*", "", `is never used: "*" stands above it, and the first pattern that a topic fits decides`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNamesOfGroups(t *testing.T) {
	for name, right := range map[string]bool{
		"": false, "a\nb": false, "\xff": false, strings.Repeat("g", 250): false,
		"billing": true, "team/a:b *?": true, "groß": true, strings.Repeat("g", 249): true,
	} {
		if got := (Policies{{Group: name}}).Mistakes(); (len(got) == 0) != right {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestAllMistakesAreNamed(t *testing.T) {
	ps := Policies{{"", []TopicPolicy{{"", Policy{Multiplier: 0.1, MaxBackoff: 1, MaxRetries: 1, ExpireAfter: 1}}}}}
	if got := ps.Mistakes(); len(got) != 6 {
		t.Errorf("%d: %v", len(got), got)
	}
}

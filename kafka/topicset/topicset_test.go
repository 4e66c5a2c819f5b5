package topicset

import "testing"

func TestTopicSetsOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b []string
		want bool
	}{
		{[]string{"a"}, []string{"a", "b"}, true},
		{[]string{"a"}, []string{"b"}, false},
		{[]string{"^a"}, []string{"ab"}, true},
		{[]string{"^a"}, []string{"b"}, false},
		{[]string{"^a"}, []string{"^b"}, true},
		{nil, []string{"a"}, false},
	} {
		a, b := topicsFound(t, c.a, "ab"), topicsFound(t, c.b, "ab")
		if a.Overlaps(b) != c.want || b.Overlaps(a) != c.want {
			t.Errorf("%v and %v: %v", c.a, c.b, !c.want)
		}
	}
}

// topicsFound is a set of topics whose patterns have found a name.
func topicsFound(t *testing.T, topics []string, name string) *Set {
	t.Helper()
	s, err := New(topics)
	if err != nil {
		t.Fatal(err)
	}
	if s.Matches(name) {
		s.Find([]string{name})
	}
	return s
}

func TestASubscriptionsTopics(t *testing.T) {
	for _, tt := range []struct {
		names []string
		topic string
		want  bool
	}{
		{[]string{"a", "b"}, "b", true},
		{[]string{"^a.*"}, "ab", true},
		{[]string{"^a.*"}, "ac", false}, // it was not found yet
		{nil, "a", false},
	} {
		set, err := New(tt.names)
		if err != nil {
			t.Fatal(err)
		}
		set.Find([]string{"ab"})
		if got := set.Has(tt.topic); got != tt.want {
			t.Errorf("%q includes %q: %v", tt.names, tt.topic, got)
		}
	}
}

package server

import "testing"

func TestAPasswordMatchesOnlyItself(t *testing.T) {
	for _, c := range []struct {
		given, password string
		want            bool
	}{
		{"secret", "secret", true},
		{"secre", "secret", false},
		{"secret ", "secret", false},
		{"", "secret", false},
		{"Secret", "secret", false},
		{"", "", true},
		{"anything", "", true},
	} {
		if got := PasswordMatches([]byte(c.given), c.password); got != c.want {
			t.Errorf("%q for %q: %v", c.given, c.password, got)
		}
	}
}

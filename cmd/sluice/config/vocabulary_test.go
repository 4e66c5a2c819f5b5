package config

import "testing"

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "abc", 0},
		{"brokerz", "brokers", 1},
		{"kafak", "kafka", 1}, // neighbours swapped
		{"addrees", "address", 1},
		{"kitten", "sitting", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := distance(test.b, test.a); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestNearestDoesNotGuessWildly(t *testing.T) {
	candidates := []string{"address", "password", "password_file", "max_clients"}
	for word, want := range map[string]string{
		"addrees":      "address",
		"passwort":     "password",
		"passwordfile": "password_file",
		"maxclients":   "max_clients",
		"max-clients":  "max_clients",
		"timeout":      "",
		"x":            "",
	} {
		if got := nearest(word, candidates); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

package record

import (
	"strings"
	"testing"
)

func TestValidTopic(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, ".": false, "..": false, "...": true, "a": true, "A-z_0.9": true, "a b": false, "a/b": false, "a:b": false,
		"ä": false, "a\x00": false, strings.Repeat("a", 249): true, strings.Repeat("a", 250): false,
	} {
		if ValidTopic(name) != want || ValidTopic([]byte(name)) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}

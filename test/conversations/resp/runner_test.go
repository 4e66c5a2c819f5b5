package resp

import (
	"os"
	"path/filepath"
	"testing"
)

// Every line of every transcript can be read: commands, replies and actions.
func TestTranscriptsAreWellFormed(t *testing.T) {
	files, err := filepath.Glob("*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		s, err := load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		r := &run{target: &target{suffix: "1-1"}, vars: map[string]string{}}
		for _, st := range s.steps {
			if err := wellFormed(st, r.fill(st.text)); err != nil {
				t.Errorf("%s:%d: %v", file, st.line, err)
			}
		}
	}
}

func wellFormed(st step, text string) error {
	if st.verb == "<" {
		_, err := parsePattern(text)
		return err
	}
	_, err := splitArgs(text)
	return err
}

func TestBadScriptsAreRefused(t *testing.T) {
	for _, text := range []string{"@nosuch", "?nosuch +OK", "  indented first"} {
		path := filepath.Join(t.TempDir(), "bad.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(path); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

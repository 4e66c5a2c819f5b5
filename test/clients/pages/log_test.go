//go:build clients

package pages

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// doneLog is the file to which the handlers of the pages append "ID VALUE" for each record. The handler is as it is on the
// page: what is at the place of the file makes it fail or wait.
type doneLog struct {
	path string
	kept []string // lines of what was moved away
}

// lines are those that handlers have written until now.
func (l *doneLog) lines(t *testing.T) []string {
	t.Helper()
	info, err := os.Stat(l.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return slices.Clone(l.kept)
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	return append(slices.Clone(l.kept), strings.FieldsFunc(string(text), newline)...)
}

func newline(r rune) bool { return r == '\n' }

// put moves the file away and puts something else in its place. A handler may make the file anew in between.
func (l *doneLog) put(t *testing.T, other func(path string) error) {
	t.Helper()
	for {
		err := os.Rename(l.path, l.path+".kept")
		if err == nil {
			moved := doneLog{path: l.path + ".kept"}
			l.kept = append(l.kept, moved.lines(t)...)
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err = other(l.path); err == nil {
			return
		}
		if !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
}

// fails makes handlers fail until remove: nobody can write into a folder.
func (l *doneLog) fails(t *testing.T) {
	t.Helper()
	l.put(t, func(path string) error { return os.Mkdir(path, 0o700) })
}

// remove takes away what is in the file's place. The next handler makes a file.
func (l *doneLog) remove(t *testing.T) {
	t.Helper()
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
}

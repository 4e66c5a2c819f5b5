package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// Every mutant's function is there once, every named function has a mutant, and all mutants compile. To link and to
// catch each of them is a matter of minutes.
func TestMutantsHaveSeams(t *testing.T) {
	t.Parallel()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	unused, err := seams(root)
	if err != nil {
		t.Fatal(err)
	}
	all := append(slices.Clone(mutants), memoryMutant)
	for _, m := range all {
		if m != memoryMutant && findFault(m.fault) == nil {
			t.Errorf("%s: there is no fault %q", m.Name, m.fault)
		}
		delete(unused, m.seam)
	}
	for name := range unused {
		t.Errorf("no mutant uses the seam %q", name)
	}
	overlay, packages, err := overlayOf(root, t.TempDir(), all...)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-overlay", overlay}, packages...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWrongSeamsAreErrors(t *testing.T) {
	const function = "package p\n\n//checker:seam one\nfunc F() int { return 1 }\n"
	tests := map[string]struct {
		files map[string]string
		seam  string
		want  string
	}{
		"nowhere":       {map[string]string{"a.go": function}, "two", "no function has"},
		"twice":         {map[string]string{"a.go": function, "b/b.go": function}, "one", "stands twice"},
		"above nothing": {map[string]string{"a.go": "package p\n\n//checker:seam one\n\nvar x int\n"}, "one", "stand above a function"},
		"in a test":     {map[string]string{"a_test.go": function}, "one", "no function has"},
	}
	for name, test := range tests {
		root := t.TempDir()
		for path, text := range test.files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m := &mutant{seam: test.seam, body: "return 2"}
		if _, _, err := overlayOf(root, t.TempDir(), m); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", name, err, test.want)
		}
	}
}

func TestBodiesAreReplacedOrGrow(t *testing.T) {
	const text = "package p\n\n//checker:seam one\nfunc F() int { return 1 }\n\n//checker:seam two\nfunc G() int { return 1 }\n"
	path := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found := map[string]seam{}
	if err := addSeams(found, path); err != nil {
		t.Fatal(err)
	}
	got := string(edited([]byte(text), []edit{{found["one"], "return 2", false}, {found["two"], "return 3", true}}))
	if !strings.Contains(got, "F() int {\n\treturn 2\n}\n") || !strings.Contains(got, "G() int {\n\treturn 3\n return 1 }\n") {
		t.Error(got)
	}
}

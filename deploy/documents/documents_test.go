package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// written are the documents of the package, by their paths.
func written(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := write(filepath.Join("..", ".."), dir); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		texts[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestThePackageBringsTheDocuments(t *testing.T) {
	texts := written(t)
	for _, path := range []string{
		"README.md", "ARCHITECTURE.md", "SECURITY.md", "docs/operating.md", "docs/protocol.md", "docs/http.md", "docs/guarantees.md",
		"docs/runbook.md", "docs/metrics.md", "docs/moving.md", "docs/clients.md", "docs/sluice.yaml", "docs/decisions/README.md",
		"docs/decisions/0055-reload.md", "docs/architecture.svg",
	} {
		if texts[path] == "" {
			t.Errorf("%s is missing", path)
		}
	}
	for path := range texts {
		if !slices.Contains([]string{".md", ".svg", ".yaml"}, filepath.Ext(path)) {
			t.Errorf("%s is no document", path)
		}
	}
}

var target = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// Every link leads to a file of the package, or to a site.
func TestLinksOfThePackageLeadSomewhere(t *testing.T) {
	texts, inside := written(t), 0
	for path, text := range texts {
		for _, m := range target.FindAllStringSubmatch(regexp.MustCompile(`(?m)^    .*$`).ReplaceAllString(text, ""), -1) {
			file, _, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") || file == "" {
				continue
			}
			inside++
			file = filepath.Join(filepath.Dir(path), file)
			if texts[file] == "" && file != "changelog.gz" {
				t.Errorf("%s: the link to %s leads nowhere", path, m[1])
			}
		}
	}
	if inside == 0 {
		t.Error("no links")
	}
}

func TestLinksToWhatIsNotInThePackage(t *testing.T) {
	present := map[string]bool{"README.md": true, "docs/http.md": true, "docs/decisions/README.md": true}
	for _, c := range []struct{ path, text, want string }{
		{"README.md", "[a](docs/http.md#x)", "[a](docs/http.md#x)"},
		{"README.md", "[a](CONTRIBUTING.md), [b](https://x/y)", "[a](" + site + "CONTRIBUTING.md), [b](https://x/y)"},
		{"docs/http.md", "[a](#here), [b](../test/x.http#y)", "[a](#here), [b](" + site + "test/x.http#y)"},
		{"docs/decisions/README.md", "[a](../../CHANGELOG.md)", "[a](../../changelog.gz)"},
		{"docs/http.md", "    x[a](b)", "    x[a](b)"},
	} {
		if got := relinked(c.path, c.text, present); got != c.want {
			t.Errorf("%s: %s becomes %s, not %s", c.path, c.text, got, c.want)
		}
	}
}

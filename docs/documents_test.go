// Package docs holds the documents to the repository that they describe: links, paths, decisions, lines of the log.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = ".."

// files are the paths below the root, with slashes, whose name ends so. What is built or fetched is left out.
func files(t *testing.T, suffix string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", ".tools", ".cache", "bin", "dist", "node_modules"}, name):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, suffix):
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no *%s below the root: %v", suffix, err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence   = regexp.MustCompile("(?m)^    .*$") // examples
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	symbols = regexp.MustCompile(`[^a-z0-9 _-]`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, document := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, document), ""), -1) {
			if !leads(t, document, m[1]) {
				t.Errorf("%s: the link to %s leads nowhere", document, m[1])
			}
		}
	}
}

func leads(t *testing.T, document, target string) bool {
	t.Helper()
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return true
	}
	path, anchor, _ := strings.Cut(target, "#")
	file := document
	if path != "" {
		file = filepath.Join(filepath.Dir(document), path)
	}
	if _, err := os.Stat(file); err != nil {
		return false
	}
	return anchor == "" || slices.Contains(anchors(read(t, file)), anchor)
}

// anchors are the names that GitHub gives to headings.
func anchors(text string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := symbols.ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

var (
	code  = regexp.MustCompile("`([^`]+)`")
	place = regexp.MustCompile(`^(\.ci|cmd|deploy|docs|kafka|metrics|protocol|server|systemd|test)/[\w./@*-]*$|^\.golangci\.yml$`)
	name  = regexp.MustCompile(`^[\w*-]+\.(go|c|h)$`)
)

// A path in the two documents about the code exists. A bare file name is one of the folder that the line named last.
func TestPathsExist(t *testing.T) {
	for _, document := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		found := 0
		for line := range strings.Lines(read(t, filepath.Join(root, document))) {
			folder := ""
			for _, m := range code.FindAllStringSubmatch(line, -1) {
				path := m[1]
				switch {
				case place.MatchString(path):
					folder = path
					if filepath.Ext(path) != "" {
						folder = filepath.Dir(path)
					}
				case name.MatchString(path):
					path = filepath.Join(folder, path)
				default:
					continue
				}
				found++
				if matches, _ := filepath.Glob(filepath.Join(root, path)); len(matches) == 0 {
					t.Errorf("%s names %s, which does not exist", document, path)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s names no path", document)
		}
	}
}

// A package without a rule of its own may import anything.
func TestEveryPackageHasItsArrows(t *testing.T) {
	rules := read(t, filepath.Join(root, ".golangci.yml"))
	seen := map[string]bool{}
	for _, file := range files(t, ".go") {
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), root+"/")
		top, _, _ := strings.Cut(folder, "/")
		if strings.HasSuffix(file, "_test.go") || seen[folder] || !slices.Contains([]string{"cmd", "kafka", "metrics", "protocol", "server", "systemd"}, top) {
			continue
		}
		seen[folder] = true
		if !strings.Contains(rules, `"**/`+folder+`/*.go"`) {
			t.Errorf("depguard has no rule for %s", folder)
		}
	}
	if len(seen) == 0 {
		t.Fatal("no packages")
	}
}

func TestEveryDecisionIsInTheIndex(t *testing.T) {
	index := read(t, "decisions/README.md")
	decisions, _ := filepath.Glob("decisions/[0-9]*.md")
	if len(decisions) == 0 {
		t.Fatal("no decisions")
	}
	for _, decision := range decisions {
		if strings.Count(index, "("+filepath.Base(decision)+")") != 1 {
			t.Errorf("%s is not once in decisions/README.md", decision)
		}
		text := read(t, decision)
		for _, part := range []string{"Question", "Decision", "Price", "Figures"} {
			if !strings.Contains(text, "\n## "+part+"\n\n") {
				t.Errorf("%s does not have the part %s", decision, part)
			}
		}
	}
}

var (
	test       = regexp.MustCompile("`(Test[A-Z]\\w*)`")
	transcript = regexp.MustCompile("`([\\w-]+\\.txt)`")
)

// What the page of guarantees names as its proof exists.
func TestProofsExist(t *testing.T) {
	_, faults, _ := strings.Cut(read(t, "guarantees.md"), "\n| fault |")
	faults, _, _ = strings.Cut(faults, "\n## ")
	var sources strings.Builder
	for _, path := range files(t, "_test.go") {
		sources.WriteString(read(t, path))
	}
	tests := test.FindAllStringSubmatch(faults, -1)
	if len(tests) == 0 {
		t.Error("no test is named")
	}
	for _, m := range tests {
		if !strings.Contains(sources.String(), "\nfunc "+m[1]+"(") {
			t.Errorf("docs/guarantees.md names %s, which does not exist", m[1])
		}
	}
	for _, m := range transcript.FindAllStringSubmatch(faults, -1) {
		if _, err := os.Stat(filepath.Join(root, "test/conversations/resp", m[1])); err != nil {
			t.Errorf("docs/guarantees.md names a transcript: %v", err)
		}
	}
}

var (
	logged = regexp.MustCompile(`(?:log|logger|Traced\(.*\))\.(?:Warn|Error)\(\s*"([^"]+)"`)
	row    = regexp.MustCompile(`(?m)^\| ((?:ERROR|WARN|INFO) [^|]*) \|`)
)

// product is the source text of all packages that write to the log.
func product(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range files(t, ".go") {
		inside, _ := filepath.Rel(root, path)
		room, _, _ := strings.Cut(filepath.ToSlash(inside), "/")
		if !strings.HasSuffix(path, "_test.go") && slices.Contains([]string{"cmd", "kafka", "server", "systemd"}, room) {
			all.WriteString(read(t, path))
		}
	}
	return all.String()
}

// The operator's page explains every warning and error of the log, and no line that is never written.
func TestLinesOfTheLogAreExplained(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "operating.md"), "\n## The log\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var explained []string
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		for _, message := range code.FindAllStringSubmatch(m[1], -1) {
			explained = append(explained, strings.TrimSuffix(message[1], "..."))
		}
	}
	source := product(t)
	for _, m := range logged.FindAllStringSubmatch(source, -1) {
		if !slices.ContainsFunc(explained, func(message string) bool { return strings.HasPrefix(m[1], message) }) {
			t.Errorf("docs/operating.md does not explain %q", m[1])
		}
	}
	for _, message := range explained {
		if !strings.Contains(source, message) {
			t.Errorf("docs/operating.md explains %q, which is never written", message)
		}
	}
}

var dependency = regexp.MustCompile("(?m)^\\| `([^`]+)`[^|]*\\| ([^|]+) \\|")

// The page of dependencies says in which packages each module is used: those, and packages below them.
func TestDependenciesAreUsedWhereThePageSays(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "dependencies.md"), "\n## In the program\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range dependency.FindAllStringSubmatch(section, -1) {
		users := importers(t, m[1])
		for _, m := range code.FindAllStringSubmatch(m[2], -1) {
			if !slices.ContainsFunc(users, func(user string) bool { return within(user, m[1]) }) {
				t.Errorf("docs/dependencies.md: nothing in %s imports it: %s", m[1], m[0])
			}
		}
		for _, user := range users {
			if !slices.ContainsFunc(code.FindAllStringSubmatch(m[2], -1), func(m []string) bool { return within(user, m[1]) }) {
				t.Errorf("docs/dependencies.md: %s imports %s too", user, m[1])
			}
		}
	}
}

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

// importers are the folders of the program whose files import a module. What only tests use is left out.
func importers(t *testing.T, module string) (found []string) {
	t.Helper()
	for _, path := range files(t, ".go") {
		inside, _ := filepath.Rel(root, filepath.Dir(path))
		room, _, _ := strings.Cut(filepath.ToSlash(inside), "/")
		if strings.HasSuffix(path, "test.go") || strings.HasSuffix(inside, "test") || !slices.Contains([]string{"cmd", "kafka", "metrics", "protocol", "server", "systemd"}, room) {
			continue
		}
		if strings.Contains(read(t, path), module) && !slices.Contains(found, filepath.ToSlash(inside)) {
			found = append(found, filepath.ToSlash(inside))
		}
	}
	return found
}

package docs

import (
	"regexp"
	"strings"
	"testing"
)

// What the comparison says of others has a source, and every source is used.
func TestComparisonHasItsSources(t *testing.T) {
	table, sources, _ := strings.Cut(read(t, "comparison.md"), "\n## Sources\n")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(\d+)\. `).FindAllStringSubmatch(sources, -1) {
		listed[m[1]] = true
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\[(\d+)\]`).FindAllStringSubmatch(table, -1) {
		used[m[1]] = true
		if !listed[m[1]] {
			t.Errorf("docs/comparison.md: no source has the number %s", m[1])
		}
	}
	for number := range listed {
		if !used[number] {
			t.Errorf("docs/comparison.md: nothing is said from source %s", number)
		}
	}
	if len(used) == 0 {
		t.Error("docs/comparison.md names no source")
	}
}

package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	verdict   = regexp.MustCompile(`(?m)^\|[^|]*\|[^|]*\| (same|same, set|status|differs) \|(.*)\|$`)
	elsewhere = regexp.MustCompile(`elsewhere: ([\w/]+\.go)`)
)

// The sums of each server are those of its tables, what differs has a reason, and what is shown elsewhere is there.
func TestTheTablesOfPublicTestsAddUp(t *testing.T) {
	servers := strings.Split(read(t, "compatibility.md"), "\n## ")[1:]
	if len(servers) == 0 {
		t.Fatal("no servers")
	}
	for _, server := range servers {
		name, _, _ := strings.Cut(server, "\n")
		same, status, all := 0, 0, 0
		for _, row := range verdict.FindAllStringSubmatch(server, -1) {
			all++
			switch row[1] {
			case "same", "same, set":
				same++
			case "status":
				status++
			}
			if row[1] != "same" && strings.TrimSpace(row[2]) == "" {
				t.Errorf("%s: without a reason: %s", name, row[0])
			}
			for _, file := range elsewhere.FindAllStringSubmatch(row[2], -1) {
				if _, err := os.Stat(filepath.Join(root, file[1])); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if sum := fmt.Sprintf("**%d of %d cases are the same, and %d more have the same status.**", same, all, status); !strings.Contains(server, sum) {
			t.Errorf("%s does not say %s", name, sum)
		}
	}
}

// A conversation after somebody else's tests is named where these are listed.
func TestConversationsAfterPublicTestsAreListed(t *testing.T) {
	text := read(t, "compatibility.md")
	for _, server := range []string{"confluent", "bridge"} {
		files, _ := filepath.Glob(filepath.Join(root, "test/conversations/rest", server+"-*.http"))
		if len(files) == 0 {
			t.Errorf("no conversations of %s", server)
		}
		for _, file := range files {
			if !strings.Contains(text, "rest/"+filepath.Base(file)) {
				t.Errorf("compatibility.md does not name %s", file)
			}
		}
	}
}

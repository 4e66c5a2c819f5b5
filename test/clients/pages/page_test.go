//go:build clients

package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// step is what a reader does next: paste a block, or type a command.
type step struct {
	line        int    // of the page
	paste       string // a fenced block, as it is
	command     string // an indented line after "$ "
	stdin       string // lines after the prompt of redis-cli
	output      string // the indented lines behind it
	interrupted bool   // ^C behind them
}

// installs are the commands that the test does not run. They install, download, build or start something: the test has
// done so already, with versions that are pinned.
var installs = regexp.MustCompile(`^(sudo|npm|export|git|make|go mod|go get|curl -L) `)

var prompt = regexp.MustCompile(`^127\.0\.0\.1:6380> (.*)$`)

// steps reads a document below the root, up to a heading if one is given.
func steps(t *testing.T, document, until string) (all []step) {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	fenced := false
	for i, line := range strings.Split(string(text), "\n") {
		typed, indented := strings.CutPrefix(line, "    ")
		switch {
		case until != "" && line == until:
			return all
		case strings.HasPrefix(line, "```"):
			if fenced = !fenced; fenced {
				all = append(all, step{line: i + 1})
			}
		case fenced:
			all[len(all)-1].paste += line + "\n"
		case indented && strings.HasPrefix(typed, "$ "):
			all = append(all, step{line: i + 1, command: typed[len("$ "):]})
		case indented && len(all) > 0:
			all[len(all)-1].shows(typed)
		}
	}
	return all
}

func (s *step) shows(line string) {
	switch entered := prompt.FindStringSubmatch(line); {
	case entered != nil:
		s.stdin += entered[1] + "\n"
	case line == "^C":
		s.interrupted = true
	default:
		s.output += line + "\n"
	}
}

// at puts the addresses of the test's own sluice in the place of those of the README. Nothing else of a page is changed.
func (s step) at(sluice *harness.Sluice) step {
	ports := strings.NewReplacer("6380", port(sluice.Addr), "8082", port(sluice.HTTP))
	s.paste, s.command, s.stdin = ports.Replace(s.paste), ports.Replace(s.command), ports.Replace(s.stdin)
	return s
}

func port(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

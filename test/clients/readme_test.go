//go:build clients

package clients

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// pasted is a command of a document, what a reader types after it, and what the document says that they print.
type pasted struct{ command, typed, printed string }

// examples are the commands between two lines of README.md.
func examples(t *testing.T, from, to string) (all []pasted) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n"+from+"\n")
	part, _, ends := strings.Cut(part, "\n"+to+"\n")
	if !found || !ends {
		t.Fatalf("README.md has no part between %q and %q", from, to)
	}
	for line := range strings.Lines(part) {
		line, example := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		if command, is := strings.CutPrefix(line, "$ "); is {
			all = append(all, pasted{command: command})
		} else if example && len(all) > 0 {
			last := &all[len(all)-1]
			if _, typed, is := strings.Cut(line, "127.0.0.1:6380> "); is {
				last.typed += typed + "\n"
			} else {
				last.printed += line + "\n"
			}
		}
	}
	return all
}

// differs is what is another one in each run.
var differs = regexp.MustCompile(`("timestamp":)\d+|("lease":)"[^"]+"`)

func alike(text string) string { return differs.ReplaceAllString(text, "$1$2_") }

// The commands of README.md, pasted one after the other into a shell, print what README.md says.
func TestTheReadmeCanBePasted(t *testing.T) {
	harnesstest.Need(t, "redis-cli")
	harnesstest.Need(t, "curl")
	ctx := harnesstest.Within(t, clientPatience)
	web := harnesstest.FreeAddr(t)
	s := harnesstest.Sluice(t, ctx, harness.SluiceOptions{HTTP: web})
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	all := examples(t, "In another terminal:", "## Status")
	if len(all) < 5 {
		t.Fatalf("%d commands", len(all))
	}
	script := ""
	for i, p := range all {
		command := strings.NewReplacer("redis-cli -p 6380", "redis-cli --no-raw -p "+port, "localhost:8082", web).Replace(p.command)
		if p.typed != "" {
			command += " <<'typed'\n" + p.typed + "typed"
		}
		script += fmt.Sprintf("echo; echo '#%d'\n%s\n", i, command)
	}
	printed := strings.Split(shell(t, ctx, script), "\n#")[1:]
	if len(printed) != len(all) {
		t.Fatalf("%d commands printed something: %q", len(printed), printed)
	}
	for i, p := range all {
		_, got, _ := strings.Cut(printed[i], "\n")
		if diff := cmp.Diff(strings.TrimSpace(alike(p.printed)), strings.TrimSpace(alike(got))); diff != "" {
			t.Errorf("%s (-README.md +printed):\n%s", p.command, diff)
		}
	}
}

// shell runs a script and returns what it prints.
func shell(t *testing.T, ctx context.Context, script string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, complaints.String())
	}
	return string(out)
}

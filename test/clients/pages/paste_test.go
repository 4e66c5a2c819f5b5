//go:build clients

package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// Whoever pastes the README's first steps and the six pages has consumed records in each language, and has seen what
// they show.
func TestReadmeAndPagesAsPasted(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	s := harnesstest.Sluice(t, ctx, sluice(t))
	k := kafkaOf(t, s)
	open(t).paste(t, s, "README.md", "## Status")
	k.allCommitted(t, "myapp", "greetings")
	k.allCommitted(t, "billing", "orders")
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.open(t).paste(t, s, l.document(), "")
			k.allCommitted(t, l.group(), l.topic())
		})
	}
}

// paste does what a document says, and compares what it shows.
func (s *shell) paste(t *testing.T, sluice *harness.Sluice, document, until string) {
	t.Helper()
	shown := &leases{}
	ran := 0
	for _, step := range steps(t, document, until) {
		if installs.MatchString(step.command) {
			continue
		}
		ran++
		s.do(t, document, step.at(sluice), shown)
	}
	if ran < 4 {
		t.Errorf("%s has only %d blocks", document, ran)
	}
}

func (s *shell) do(t *testing.T, document string, step step, shown *leases) {
	t.Helper()
	variable := newVariable(t, step.command)
	r := s.start(t, step.paste+shown.replace(step.command)+variable.keep, step.stdin)
	if step.interrupted {
		for line := range strings.Lines(step.output) {
			r.prints(t, line, 0)
		}
		if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT); err != nil { // a terminal tells all of the group
			t.Fatal(err)
		}
	}
	r.ends(t)
	s.env = append(s.env, variable.kept(t)...)
	printed := r.output()
	shown.learn(step.output, printed)
	if got, want := constant(printed), constant(step.output); got != want {
		t.Errorf("%s, line %d: %s printed\n%s\nand the page shows\n%s", document, step.line, step.command, got, want)
	}
}

// variable is what a command sets: later commands have it, as in the reader's shell.
type variable struct {
	name, file string
	keep       string // writes the value into the file
}

var sets = regexp.MustCompile(`^([a-z_]+)=\$\(`)

func newVariable(t *testing.T, command string) (v variable) {
	t.Helper()
	if m := sets.FindStringSubmatch(command); m != nil {
		v = variable{name: m[1], file: filepath.Join(t.TempDir(), m[1])}
		v.keep = "; printf %s \"$" + v.name + "\" >'" + v.file + "'"
	}
	return v
}

// kept is the variable for the environment of later commands, nothing when the command sets none.
func (v variable) kept(t *testing.T) []string {
	t.Helper()
	if v.name == "" {
		return nil
	}
	value, err := os.ReadFile(v.file)
	if err != nil {
		t.Fatal(err)
	}
	return []string{v.name + "=" + string(value)}
}

// What differs each time. redis-cli says how long it took when that is long.
var (
	took      = regexp.MustCompile(`(?m)^\(\d+\.\d+s\)\n`)
	lease     = regexp.MustCompile(`"lease":"([^"]*)"`)
	timestamp = regexp.MustCompile(`"timestamp":\d{13}`)
	millis    = regexp.MustCompile(`\b\d{13}\b`) // in headers, and in ids of entries
	instant   = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT[\d:.]+Z`)
	age       = regexp.MustCompile(`  \d[\d.]*m?s +`) // in a table
)

// constant leaves out what differs each time, and white space at the ends.
func constant(text string) string {
	text = took.ReplaceAllString(text, "")
	text = lease.ReplaceAllString(text, `"lease":"..."`)
	text = age.ReplaceAllString(instant.ReplaceAllString(text, "..."), "  ...  ")
	return strings.TrimSpace(millis.ReplaceAllString(timestamp.ReplaceAllString(text, `"timestamp":...`), "..."))
}

// leases are those that a document shows, each with the one that was really given: later commands name them.
type leases struct{ pairs []string }

func (l *leases) learn(shown, given string) {
	theirs, ours := lease.FindAllStringSubmatch(shown, -1), lease.FindAllStringSubmatch(given, -1)
	for i := range min(len(theirs), len(ours)) {
		l.pairs = append(l.pairs, theirs[i][1], ours[i][1])
	}
}

func (l *leases) replace(command string) string {
	return strings.NewReplacer(l.pairs...).Replace(command)
}

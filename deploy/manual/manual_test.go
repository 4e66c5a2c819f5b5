package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.Main(m) }

const serveHelp = `Usage: sluice serve [flags]

Open the doors and run until a signal. The first SIGTERM drains,
the second cuts.

Flags:
  -h, --help                 Show context-sensitive help.

      --embedded             Start a Kafka broker inside this process.
                             For development.
  -c, --config=FILE          Configuration file.
      --log-level=LEVEL      debug, info, warn or error (info).
      --a-flag-that-leaves-no-room-at-all=VALUE
                             What it is for.
      --name="value"         With a default.
`

func TestParsePage(t *testing.T) {
	got := parsePage(serveHelp)
	want := []entry{
		{short: "-h", name: "--help", help: "Show context-sensitive help."},
		{name: "--embedded", help: "Start a Kafka broker inside this process. For development."},
		{short: "-c", name: "--config", value: "FILE", help: "Configuration file."},
		{name: "--log-level", value: "LEVEL", help: "debug, info, warn or error (info)."},
		{name: "--a-flag-that-leaves-no-room-at-all", value: "VALUE", help: "What it is for."},
		{name: "--name", value: "value", help: "With a default."},
	}
	if diff := cmp.Diff(want, got.entries["Flags"], cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
	if got.usage != "sluice serve [flags]" || !strings.HasSuffix(got.about, "the second cuts.") {
		t.Errorf("usage %q, about %q", got.usage, got.about)
	}
	if diff := cmp.Diff([]string{"debug", "info", "warn", "error"}, want[3].choices()); diff != "" {
		t.Error(diff)
	}
}

// written generates all files from the real binary.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := generate(harnesstest.Binary(), dir, "2026-01-01"); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Each command and each flag must be in all four files.
func TestNothingIsLeftOut(t *testing.T) {
	dir := written(t)
	p, err := ask(harnesstest.Binary())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"sluice.1", "sluice.bash", "_sluice", "sluice.fish"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(content), `\-`, "-")
		for _, c := range p.commands {
			for _, word := range strings.Fields(c.path) {
				if !strings.Contains(text, word) {
					t.Errorf("%s lacks the command %s", file, c.path)
				}
			}
			for _, f := range c.flags {
				name := f.name
				if file == "sluice.fish" {
					name = "-l " + strings.TrimPrefix(name, "--")
				}
				if !strings.Contains(text, name) && name != "--help" {
					t.Errorf("%s lacks %s of %s", file, f.name, c.path)
				}
			}
		}
	}
}

func TestManPageIsClean(t *testing.T) {
	need(t, "mandoc", "-T", "lint", "-W", "warning", filepath.Join(written(t), "sluice.1"))
}

func TestCompletionsParse(t *testing.T) {
	dir := written(t)
	for shell, file := range map[string]string{"bash": "sluice.bash", "zsh": "_sluice", "fish": "sluice.fish"} {
		t.Run(shell, func(t *testing.T) { need(t, shell, "-n", filepath.Join(dir, file)) })
	}
}

// need runs a checker that must find nothing. It skips the test if the checker is not installed.
func need(t *testing.T, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is missing: install Debian's package of that name", name)
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

func TestBashCompletes(t *testing.T) {
	dir := written(t)
	if err := os.WriteFile(filepath.Join(dir, "here.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ words, want string }{
		{"sluice|ser", "serve"},
		{"sluice|groups|des", "describe"},
		{"sluice|serve|--emb", "--embedded"},
		{"sluice|serve|--log-level|=|de", "debug"},
		{"sluice|serve|--log-format|js", "json"},
		{"sluice|topics|describe|orders|--js", "--json"},
		{"sluice|check|-c|he", "here.yaml"},
		{"sluice|serve|--brokers|", ""},
	} {
		script := `source ./sluice.bash; compopt() { :; }; IFS='|' read -ra COMP_WORDS <<<"$1."
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_WORDS[COMP_CWORD]=${COMP_WORDS[COMP_CWORD]%.}
			_sluice; echo "${COMPREPLY[*]}"`
		cmd := exec.Command("bash", "-c", script, "bash", c.words)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("%s completes to %q (%v), not to %q", c.words, got, err, c.want)
		}
	}
}

package config

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of settings into docs/operating.md")

const (
	operating = "../../../docs/operating.md"
	tableHead = "<!-- settings -->\n"
	tableTail = "<!-- /settings -->"
)

// The documentation has the table of settings. After a change:
// go test ./cmd/sluice/config -run TestSettings -update.
func TestSettingsAreDocumented(t *testing.T) {
	content, err := os.ReadFile(operating)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, headed := strings.Cut(string(content), tableHead)
	documented, after, tailed := strings.Cut(rest, tableTail)
	if !headed || !tailed {
		t.Fatalf("%s has no %s and %s", operating, strings.TrimSpace(tableHead), tableTail)
	}
	want := settingsTable()
	if *update {
		if err := os.WriteFile(operating, []byte(before+tableHead+want+tableTail+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("%s is not up to date; run go test ./cmd/sluice/config -run TestSettings -update (-want +got):\n%s", operating, diff)
	}
}

func settingsTable() string {
	flags := map[string]string{}
	for _, o := range (&Flags{}).overrides() {
		flags[o.setting] = ", `" + o.flag + "`"
	}
	var table strings.Builder
	table.WriteString("| setting | default | values | a change takes effect | meaning |\n|---|---|---|---|---|\n")
	for _, s := range Default().settings() {
		fmt.Fprintf(&table, "| `%s`%s | `%s` | %s | %s | %s |\n", s.name, flags[s.name], s.kind.show(), s.kind.accepts, s.takes, s.about)
	}
	return table.String()
}

func TestEverySettingIsDescribed(t *testing.T) {
	effects := []effect{atOnce, newConnections, newRecords, newSubscriptions, newLeases, newWork, atRestart}
	for _, s := range Default().settings() {
		switch {
		case s.about == "" || strings.HasSuffix(s.about, ".") || strings.ContainsAny(s.about, "|\n"):
			t.Errorf("%s: described as %q", s.name, s.about)
		case s.kind.accepts == "":
			t.Errorf("%s: what it accepts is not said", s.name)
		case !slices.Contains(effects, s.takes):
			t.Errorf("%s: takes effect %q", s.name, s.takes)
		}
	}
}

// A file accepts every default of the documentation.
func TestDefaultsCanBeWrittenDown(t *testing.T) {
	for _, s := range Default().settings() {
		if s.name == "users.password" { // none cannot be written
			continue
		}
		content := nest(s.name, s.kind.show())
		cfg, err := read(content)
		if err != nil {
			t.Errorf("%s: %v", content, err)
			continue
		}
		if changes := compare(Default(), cfg); len(changes) > 0 {
			t.Errorf("%s is not the default: %v", content, changes)
		}
	}
}

// nest writes a setting as a file has it, below its sections.
func nest(name, value string) string {
	parts := strings.Split(name, ".")
	last := len(parts) - 1
	content := parts[last] + ": " + value
	for i := last - 1; i >= 0; i-- {
		content = parts[i] + ": {" + content + "}"
	}
	return content + "\n"
}

func TestDurationsAreShownAsOneWritesThem(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "1m": time.Minute, "10m": 10 * time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour,
		"1h10m": 70 * time.Minute, "20h": 20 * time.Hour, "24h": 24 * time.Hour, "365d": 365 * day, "36h": 36 * time.Hour, "500ms": 500 * time.Millisecond,
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%s is shown as %s", want, got)
		}
	}
}

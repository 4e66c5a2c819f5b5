package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

var services = []string{"sluice.service", "sluice@.service"}

// mostExposure is ten times the highest exposure that `systemd-analyze security` may report.
const mostExposure = "15"

func TestSystemdAcceptsTheUnits(t *testing.T) {
	analyze := needAnalyze(t)
	dir := stage(t)
	for _, name := range allUnits(t) {
		t.Run(name, func(t *testing.T) {
			// It exits with 0 for an unknown key, and only its output names the key.
			out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", filepath.Join(dir, name)).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestTheSandboxIsTight(t *testing.T) {
	analyze := needAnalyze(t)
	dir := stage(t)
	for _, name := range services {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--no-pager",
				"--threshold="+mostExposure, filepath.Join(dir, name)).CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("Overall exposure level for sluice")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func needAnalyze(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("NOT CHECKED: systemd-analyze is not on this machine; it is in Debian's package systemd")
	}
	return path
}

// stage copies the units into a folder of their own. It sets their program to the test binary, since systemd checks that
// the program exists.
func stage(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range allUnits(t) {
		text := bytes.ReplaceAll(read(t, name), []byte("/usr/bin/sluice"), []byte(program))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func allUnits(t *testing.T) []string {
	t.Helper()
	sockets, err := filepath.Glob("*.socket")
	if err != nil || len(sockets) == 0 {
		t.Fatal("no socket units", err)
	}
	return slices.Concat(services, sockets)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// settings returns the lines of a unit without comments.
func settings(t *testing.T, text []byte) []*unit.UnitOption {
	t.Helper()
	all, err := unit.DeserializeOptions(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Service and template have the same lines, with other names.
func TestTheTemplatesAreTheUnitsUnderOtherNames(t *testing.T) {
	renamed := strings.NewReplacer(
		"sluice for %i", "sluice",
		"--socket %t/sluice-%i/sluice.sock", "",
		"sluice-%i", "sluice",
		"sluice@%i", "sluice",
		"%i", "sluice")
	for plain, template := range map[string]string{
		"sluice.service":           "sluice@.service",
		"sluice.socket":            "sluice@.socket",
		"sluice-management.socket": "sluice-management@.socket",
		"sluice-http.socket":       "sluice-http@.socket",
	} {
		t.Run(template, func(t *testing.T) {
			want, got := settings(t, read(t, plain)), settings(t, []byte(renamed.Replace(string(read(t, template)))))
			for _, option := range slices.Concat(want, got) {
				option.Value = strings.TrimSpace(option.Value)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-%s +%s\n%s", plain, template, diff)
			}
		})
	}
}

// The comments of the units compute limits from the default configuration.
const (
	brokers       = 15
	profiles      = 2
	beside        = 3*profiles + 2 + 4 + 8 // librdkafka's clients: that produce, that ask, envoys, readers
	producerQueue = 128                    // MiB: queue.buffering.max.kbytes of a profile
	groupMemory   = 2                      // MiB
	refusedMemory = 192                    // MiB: of records whose batch was refused
	spareMemory   = 128                    // MiB
)

func TestTheLimitsFitTheDefaults(t *testing.T) {
	clients, groups := resp.DefaultOptions().MaxClients, kafka.Defaults().Consume.MaxSubscriptions
	fetched := kafka.Defaults().Consume.Memory >> 20 * 5 / 4 // MiB
	for _, name := range services {
		t.Run(name, func(t *testing.T) {
			limits := limitsOf(t, name)
			expectRoom(t, "LimitNOFILE", limits["LimitNOFILE"], clients+rest.DefaultOptions().MaxConnections+(groups+beside)*(7+2*brokers)+256)
			expectRoom(t, "TasksMax", limits["TasksMax"], 96+(groups+beside)*(4+brokers))
			expectRoom(t, "MemoryMax", limits["MemoryMax"],
				limits["GOMEMLIMIT"]+profiles*producerQueue+fetched+groups*groupMemory+refusedMemory+spareMemory)
			expectRoom(t, "MemoryHigh", limits["MemoryHigh"], limits["MemoryMax"]*9/10)
		})
	}
}

// expectRoom checks that a limit is enough, and not so high that its comment must be out of date.
func expectRoom(t *testing.T, name string, given, needed int) {
	t.Helper()
	if given < needed || given > needed*5/4 {
		t.Errorf("%s is %d, and %d are needed: compute it again, and what its comment says", name, given, needed)
	}
}

// limitsOf returns the limits of a service, memory in MiB.
func limitsOf(t *testing.T, name string) map[string]int {
	t.Helper()
	limits := map[string]int{}
	for _, option := range settings(t, read(t, name)) {
		key, value := option.Name, option.Value
		if key == "Environment" {
			key, value, _ = strings.Cut(value, "=")
		}
		scale := 1
		value = strings.TrimSuffix(strings.TrimSuffix(value, "iB"), "M")
		if text, found := strings.CutSuffix(value, "G"); found {
			value, scale = text, 1024
		}
		if n, err := strconv.Atoi(value); err == nil {
			limits[key] = n * scale
		}
	}
	return limits
}

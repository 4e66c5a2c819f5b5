// Package deploy tests the files that are shipped with the binary: configuration, Dockerfile, scripts of the package.
// Tests of the installed package are in test/systemd.
package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.Main(m) }

func TestPackagedConfigurationIsValid(t *testing.T) {
	out, err := exec.Command(harnesstest.Binary(), "check", "--config", "sluice.yaml").CombinedOutput()
	if err != nil || strings.Contains(string(out), "level=") {
		t.Errorf("sluice check: %v\n%s", err, out)
	}
}

// Operators remove the marks of comments: the file must be valid then too.
func TestPackagedConfigurationIsValidUncommented(t *testing.T) {
	text, err := os.ReadFile("sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`(?m)^( *)# ((?: *)[a-z_.]+:(?: .*)?)$`)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	uncommented := setting.ReplaceAllString(string(text), "$1$2")
	if strings.Count(uncommented, "#") == strings.Count(string(text), "#") {
		t.Fatal("nothing was uncommented")
	}
	uncommented = strings.ReplaceAll(uncommented, "/etc/sluice/password", password)
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(file, []byte(uncommented), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(harnesstest.Binary(), "check", "--config", file).CombinedOutput(); err != nil {
		t.Errorf("sluice check: %v\n%s\n%s", err, out, uncommented)
	}
}

func TestScriptsAreShell(t *testing.T) {
	scripts, err := filepath.Glob("scripts/*")
	if err != nil || len(scripts) != 3 {
		t.Fatalf("scripts: %v %v", scripts, err)
	}
	for _, script := range scripts {
		if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}

// instruction is an instruction of a Dockerfile. Continued lines are joined.
type instruction struct{ name, rest string }

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var all []instruction
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		all = append(all, instruction{name, strings.TrimSpace(rest)})
	}
	return all
}

var known = []string{"FROM", "ARG", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENV", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}

func TestDockerfileIsSane(t *testing.T) {
	stages := map[string]bool{}
	last := map[string]string{} // the last value of each instruction in the last stage
	froms := 0
	for _, i := range dockerfile(t) {
		if !slices.Contains(known, i.name) {
			t.Errorf("unknown instruction %s %s", i.name, i.rest)
		}
		if i.name == "FROM" {
			froms++
			last = map[string]string{}
			image, stage, _ := strings.Cut(i.rest, " AS ")
			stages[stage] = true
			if !strings.Contains(image, ":") || strings.HasSuffix(image, ":latest") || strings.Contains(image, "/") {
				t.Errorf("FROM %s: a plain name with a version is wanted", image)
			}
		}
		if from, ok := strings.CutPrefix(i.rest, "--from="); ok && !stages[strings.Fields(from)[0]] {
			t.Errorf("%s %s: no such stage", i.name, i.rest)
		}
		last[i.name] = i.rest
	}
	if froms < 2 {
		t.Error("the compiler is in the image")
	}
	if user := last["USER"]; user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		t.Errorf("the image runs as user %q", user)
	}
	for _, name := range []string{"ENTRYPOINT", "CMD"} {
		var words []string
		if err := json.Unmarshal([]byte(last[name]), &words); err != nil {
			t.Errorf("%s %s is no list of words, so a shell would stand between sluice and its signals: %v", name, last[name], err)
		}
	}
}

// The image must be built with the version of Go in go.mod.
func TestDockerfileHasOurGo(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if version == nil {
		t.Fatal("go.mod names no version of Go")
	}
	first := dockerfile(t)[0]
	if !strings.HasPrefix(first.rest, "golang:"+string(version[1])+"-") {
		t.Errorf("FROM %s, and go.mod wants Go %s", first.rest, version[1])
	}
}

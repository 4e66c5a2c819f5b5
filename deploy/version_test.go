package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// sources are a repository with version.sh and VERSION in it.
type sources struct {
	t   *testing.T
	dir string
}

func newSources(t *testing.T) *sources {
	t.Helper()
	s := &sources{t, filepath.Join(t.TempDir(), "sources")}
	s.copied()
	s.git("init", "--quiet")
	s.git("add", ".")
	return s
}

// copied copies the script and its file.
func (s *sources) copied() {
	s.t.Helper()
	for from, to := range map[string]string{"version.sh": "deploy/version.sh", "../VERSION": "VERSION"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(s.dir, to)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(s.dir, to), text, 0o755)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// run runs a command in the folder. git reads no configuration of the machine.
func (s *sources) run(name string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CEILING_DIRECTORIES="+os.TempDir(),
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@t", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@t")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s *sources) git(args ...string) { s.t.Helper(); s.run("git", args...) }

func (s *sources) commit() {
	s.t.Helper()
	s.git("commit", "--quiet", "--allow-empty", "--message", "change")
}

func (s *sources) version() string { s.t.Helper(); return s.run("deploy/version.sh") }

// debian is the version of the package.
func (s *sources) debian() string {
	s.t.Helper()
	return s.run("deploy/version.sh", "debian", s.version())
}

func (s *sources) expect(pattern string) {
	s.t.Helper()
	if got := s.version(); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
		s.t.Errorf("the version is %q, want %s", got, pattern)
	}
}

// Packages of later commits are upgrades of those of earlier ones, and a release is one of all before it.
func TestPackagesOfLaterCommitsComeLater(t *testing.T) {
	harnesstest.Need(t, "dpkg")
	s := newSources(t)
	var versions []string
	for range 12 { // two digits: numbers are compared, not texts
		s.commit()
		versions = append(versions, s.debian())
	}
	s.git("tag", "v0.1.0-rc1")
	versions = append(versions, s.debian())
	s.commit()
	s.git("tag", "v0.1.0")
	versions = append(versions, s.debian())
	s.commit()
	versions = append(versions, s.debian())
	s.commit()
	s.git("tag", "v0.2.0")
	versions = append(versions, s.debian())
	for i, later := range versions[1:] {
		if err := exec.Command("dpkg", "--compare-versions", versions[i], "lt", later).Run(); err != nil {
			t.Errorf("%s is not before %s: %v", versions[i], later, err)
		}
	}
	if got := versions[len(versions)-1]; got != "0.2.0" {
		t.Errorf("a release is called %s", got)
	}
}

// Sources have a version however they came: whole, shallow, without tags, as a tarball, changed.
func TestSourcesHaveAVersion(t *testing.T) {
	text, err := os.ReadFile("../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+-dev\n$`).Match(text) {
		t.Errorf("VERSION is %s", text)
	}
	next := regexp.QuoteMeta(strings.TrimSpace(string(text)))
	s := newSources(t)
	s.commit()
	s.commit()
	s.expect(next + `\.2\.g[0-9a-f]{7,}`)
	if err := os.WriteFile(filepath.Join(s.dir, "VERSION"), append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	s.expect(next + `\.2\.g[0-9a-f]{7,}-dirty`)
	s.git("checkout", "--quiet", "VERSION")

	shallow := &sources{t, filepath.Join(t.TempDir(), "shallow")}
	s.git("clone", "--quiet", "--depth", "1", "file://"+s.dir, shallow.dir)
	shallow.expect(next + `\.0\.[0-9]+\.g[0-9a-f]{7,}`)

	s.git("tag", "v0.1.0")
	s.expect(`0\.1\.0`)
	tagless := &sources{t, filepath.Join(t.TempDir(), "tagless")}
	s.git("clone", "--quiet", "--no-tags", s.dir, tagless.dir)
	tagless.expect(next + `\.2\.g[0-9a-f]{7,}`)

	tarball := &sources{t, filepath.Join(s.dir, "inside")} // of the repository of something else
	tarball.copied()
	tarball.expect(next)
	if got := tarball.run("deploy/version.sh", "time"); !regexp.MustCompile(`^[0-9]{10}$`).MatchString(got) {
		t.Errorf("the sources are of %q", got)
	}
}

// What builds sluice asks version.sh, or has no git and reads VERSION.
func TestEveryRecipeHasTheVersion(t *testing.T) {
	for name, want := range map[string]string{"../Makefile": "$(shell deploy/version.sh)", "package.sh": "deploy/version.sh debian", "Dockerfile": "$(cat VERSION)"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s does not have %s", name, want)
		}
	}
}

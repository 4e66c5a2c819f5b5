//go:build systemd

package systemd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// treePackages are what a tree holds beside Debian's smallest set.
const treePackages = "systemd,systemd-sysv,dbus"

// oldest is the Debian that must be there. The others are used where they can be had, unless
// SYSTEMD_SUITES asks for them.
const oldest = "bookworm"

// suites are the Debians the tests run in: SYSTEMD_SUITES, or those sluice is made for.
func suites() []string {
	if chosen := strings.Fields(os.Getenv("SYSTEMD_SUITES")); len(chosen) > 0 {
		return chosen
	}
	return []string{oldest, "trixie"}
}

// tree returns the folder of a Debian, made at its first use on this machine. It is never written to:
// every container lays a layer of its own above it.
func tree(t *testing.T, suite string) string {
	t.Helper()
	cache, err := filepath.Abs(".cache")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := harness.LockFile(filepath.Join(cache, suite+".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	root := filepath.Join(cache, suite)
	if _, err := os.Stat(root); err == nil {
		return root
	}
	script := filepath.Join("/usr/share/debootstrap/scripts", suite)
	if _, err := os.Stat(script); err != nil {
		t.Skipf("debootstrap on this machine does not know Debian %s", suite)
	}
	mirror, err := aptMirror()
	if err != nil {
		t.Skipf("no Debian to be had: %v", err)
	}
	debootstrap(t, suite, root, mirror)
	return root
}

// debootstrap makes the tree beside its place first, so that a broken one is never taken for whole.
func debootstrap(t *testing.T, suite, root, mirror string) {
	t.Helper()
	partial := root + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		t.Fatal(err)
	}
	t.Logf("making a tree of Debian %s; once for this machine, about 40 s", suite)
	out, err := exec.Command("debootstrap", "--variant=minbase", "--include="+treePackages, suite, partial, mirror).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(partial, "debootstrap", "debootstrap.log"))
		end := t.Fatalf
		if suite != oldest && os.Getenv("SYSTEMD_SUITES") == "" {
			end = t.Skipf
		}
		end("debootstrap %s: %v\n%s\n%s", suite, err, tail(out, 20), tail(log, 20))
	}
	if err := os.Rename(partial, root); err != nil {
		t.Fatal(err)
	}
}

// aptMirror is where this machine gets its own Debian from.
func aptMirror() (string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		// Releases such as bookworm-updates live apart or hold only a part.
		if f := strings.Fields(line); len(f) == 2 && !strings.ContainsAny(f[1], "-/") {
			return f[0], nil
		}
	}
	return "", fmt.Errorf("apt's configuration names no mirror of a whole Debian")
}

// tail is the last n lines of what a program wrote.
func tail(out []byte, n int) []byte {
	lines := bytes.SplitAfter(out, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], nil)
}

// Package debian makes Debians for tests: folders that debootstrap fills.
package debian

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluice-proxy/sluice/test/harness"
)

// ErrNone is the error where this machine cannot have the Debian that is wanted.
var ErrNone = errors.New("no such Debian to be had")

// Tree is a folder with a Debian.
type Tree struct {
	// Cache is the folder of the trees, and Name the one of this tree in it.
	Cache, Name string
	// Suite is Debian's name of the release.
	Suite string
	// Packages are those beside Debian's smallest set.
	Packages []string
	// Log is told when the tree is made, which takes about 40 s.
	Log func(format string, args ...any)
}

// Root returns the path of the tree, made at its first use on this machine. Nobody may write to it.
func (t *Tree) Root() (string, error) {
	cache, err := filepath.Abs(t.Cache)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := harness.LockFile(filepath.Join(cache, t.Name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	root := filepath.Join(cache, t.Name)
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	script := filepath.Join("/usr/share/debootstrap/scripts", t.Suite)
	if _, err := os.Stat(script); err != nil {
		return "", fmt.Errorf("%w: debootstrap on this machine does not know %s", ErrNone, t.Suite)
	}
	mirror, err := aptMirror()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNone, err)
	}
	return root, t.debootstrap(root, mirror)
}

// debootstrap makes the tree beside its place first, so that a broken one is never taken for whole.
func (t *Tree) debootstrap(root, mirror string) error {
	partial := root + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	t.Log("making a tree of Debian %s; once for this machine, about 40 s", t.Suite)
	args := []string{"--variant=minbase", t.Suite, partial, mirror}
	if len(t.Packages) > 0 {
		args = append([]string{"--include=" + strings.Join(t.Packages, ",")}, args...)
	}
	out, err := exec.Command("debootstrap", args...).CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(partial, "debootstrap", "debootstrap.log"))
		return fmt.Errorf("debootstrap %s: %w\n%s\n%s", t.Suite, err, tail(out, 20), tail(log, 20))
	}
	return os.Rename(partial, root)
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
	return "", errors.New("apt's configuration names no mirror of a whole Debian")
}

// tail is the last n lines of what a program wrote.
func tail(out []byte, n int) []byte {
	lines := bytes.SplitAfter(out, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], nil)
}

//go:build systemd

package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// groupPrefix begins the names of our control groups; the process id that made them follows.
const groupPrefix = "sluice-test-"

// cgroupRoots are the roots of the hierarchies in which a container needs a group of its own: the
// unified one, and in a machine with the old layout those of systemd, memory and pids beside it.
func cgroupRoots() ([]string, error) {
	const top = "/sys/fs/cgroup"
	var stat syscall.Statfs_t
	if err := syscall.Statfs(top, &stat); err != nil {
		return nil, err
	}
	const cgroup2Magic = 0x63677270 // linux/magic.h
	if stat.Type == cgroup2Magic {
		return []string{top}, nil
	}
	var roots []string
	for _, h := range []string{"systemd", "unified", "memory", "pids"} {
		root := filepath.Join(top, h)
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err == nil {
			roots = append(roots, root)
		}
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("no hierarchy is mounted in %s", top)
	}
	return roots, nil
}

// makeCgroups makes a group of that name in every hierarchy and returns their folders.
func makeCgroups(name string) ([]string, error) {
	roots, err := cgroupRoots()
	if err != nil {
		return nil, err
	}
	groups := make([]string, 0, len(roots))
	for _, root := range roots {
		group := filepath.Join(root, name)
		if err := os.Mkdir(group, 0o755); err != nil {
			return groups, err
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// tryCgroups makes a group, as a container will, and removes what dead runs left behind.
func tryCgroups() error {
	sweepCgroups()
	groups, err := makeCgroups(groupName("try"))
	return errors.Join(err, removeCgroups(groups))
}

func groupName(what string) string {
	return groupPrefix + strconv.Itoa(os.Getpid()) + "-" + what
}

// removeCgroups removes groups with all that is below them. Nothing may run in them any more.
func removeCgroups(groups []string) error {
	var errs []error
	for _, group := range groups {
		var dirs []string
		_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- { // the deepest first
			if err := os.Remove(dirs[i]); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// sweepCgroups removes the groups of test runs that were killed.
func sweepCgroups() {
	roots, _ := cgroupRoots()
	for _, root := range roots {
		left, _ := filepath.Glob(filepath.Join(root, groupPrefix+"*"))
		for _, group := range left {
			pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(group), groupPrefix), "-")
			if _, err := os.Stat(filepath.Join("/proc", pid)); errors.Is(err, fs.ErrNotExist) {
				_ = removeCgroups([]string{group}) // a group in which something lives stays
			}
		}
	}
}

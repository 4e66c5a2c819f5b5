//go:build image

package image

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// debianPackage names, for each program that is used, the Debian package it is in.
var debianPackage = [][2]string{
	{"buildah", "buildah"},
	{"debootstrap", "debootstrap"},
	{"redis-cli", "redis-tools"},
	{"unshare", "util-linux"},
	{"apt-get", "apt"},
}

// need skips the test, with the reasons, on a machine that cannot build an image.
func need(t *testing.T) {
	t.Helper()
	if uid := os.Geteuid(); uid != 0 {
		t.Skipf("only root can make a Debian and enter it, and this is user %d", uid)
	}
	var reasons []string
	for _, p := range debianPackage {
		if _, err := exec.LookPath(p[0]); err != nil {
			reasons = append(reasons, fmt.Sprintf("%s is missing: install Debian's package %s", p[0], p[1]))
		}
	}
	if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "true").CombinedOutput(); err != nil {
		reasons = append(reasons, fmt.Sprintf("no right to make namespaces: %v: %s", err, strings.TrimSpace(string(out))))
	}
	if len(reasons) > 0 {
		t.Skip("cannot build an image here:\n" + strings.Join(reasons, "\n"))
	}
}

//go:build systemd

package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// debianPackage names, for each program that is used, the Debian package it is in.
var debianPackage = [][2]string{
	{"debootstrap", "debootstrap"},
	{"systemd-nspawn", "systemd-container"},
	{"nsenter", "util-linux"},
	{"unshare", "util-linux"},
	{"apt-get", "apt"},
	{"make", "make"},
	{"gcc", "gcc"},
}

// cannot is why this machine cannot boot a container, one reason a line; empty when it can.
var cannot = sync.OnceValue(func() string {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Sprintf("only root can boot a container, and this is user %d", uid)
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
	if err := tryCgroups(); err != nil {
		reasons = append(reasons, "no right to make control groups: "+err.Error())
	}
	return strings.Join(reasons, "\n")
})

// needContainer skips the test, with the reason, on a machine that cannot boot one.
func needContainer(t *testing.T) {
	t.Helper()
	if why := cannot(); why != "" {
		t.Skip("cannot boot a systemd here:\n" + why)
	}
}

//go:build systemd

package systemd

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/debian"
)

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
	made := debian.Tree{Cache: ".cache", Name: suite, Suite: suite, Packages: []string{"systemd", "systemd-sysv", "dbus"}, Log: t.Logf}
	root, err := made.Root()
	switch {
	case errors.Is(err, debian.ErrNone):
		t.Skip(err)
	case err != nil && suite != oldest && os.Getenv("SYSTEMD_SUITES") == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return root
}

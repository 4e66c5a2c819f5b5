//go:build matrix

package redis

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// rustClients are redis-rs, from the registry of Cargo: connections that block, and the asynchronous connection manager.
func rustClients() (clients []client) {
	for _, major := range []string{"current", "older"} {
		for _, kind := range []string{"blocking", "asynchronous"} {
			clients = append(clients, client{"redis-rs " + kind, crateVersion(major), func(t *testing.T) []string {
				t.Helper()
				return []string{filepath.Join(crates(t), "debug", major+"-"+kind)}
			}})
		}
	}
	return clients
}

var pinned = regexp.MustCompile(`redis = \{ version = "=([0-9.]+)"`)

// crateVersion is the version that a package of the workspace asks for.
func crateVersion(major string) string {
	manifest, err := os.ReadFile(filepath.Join("rust", major, "Cargo.toml"))
	found := pinned.FindSubmatch(manifest)
	if err != nil || found == nil {
		return ""
	}
	return string(found[1])
}

// crates builds the workspace, what others wrote once, and returns the folder of what it built. Cargo lets one build
// wait for another.
func crates(t *testing.T) (target string) {
	t.Helper()
	manifest := filepath.Join("rust", "Cargo.toml")
	// An older cargo does not know the edition.
	harnesstest.Need(t, "cargo", "metadata", "--no-deps", "--format-version", "1", "--manifest-path", manifest)
	target, err := filepath.Abs(filepath.Join(".cache", "rust"))
	if err != nil {
		t.Fatal(err)
	}
	packages.Run(t, ".", packages.Patience, "", "cargo", "build", "--quiet", "--locked", "--manifest-path", manifest,
		"--target-dir", target)
	return target
}

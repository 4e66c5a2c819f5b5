//go:build generated

package clients

import (
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The client of openapi-generator on reqwest. What others wrote is compiled once.
func TestGeneratedRust(t *testing.T) {
	// An older cargo does not know the edition.
	harnesstest.Need(t, "cargo", "metadata", "--no-deps", "--format-version", "1",
		"--manifest-path", filepath.Join("generated", "rust", "Cargo.toml"))
	target, err := filepath.Abs(filepath.Join(".cache", "generated-rust"))
	if err != nil {
		t.Fatal(err)
	}
	d, url := openREST(t)
	dir := workshop(t, "rust", url)
	generate(t, dir, "-g", "rust", "--additional-properties", "packageName=sluice")
	packages.Run(t, dir, packages.Patience, "", "cargo", "build", "--quiet", "--target-dir", target)
	t.Log(packages.Run(t, ".", clientPatience, "", filepath.Join(target, "debug", "program"), url, d.topic))
	d.expectRoundTrip(t, "rust")
}

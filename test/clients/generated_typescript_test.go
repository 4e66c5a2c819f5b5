//go:build generated

package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// openapi-typescript and openapi-fetch, whose versions are in generated/typescript/package.json; its tsconfig.json has
// the compiler as strict as it can be.
func TestGeneratedTypeScript(t *testing.T) {
	modules := npmLocked(t, filepath.Join("generated", "typescript"))
	d, url := openREST(t)
	dir := workshop(t, "typescript", url)
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(modules, ".bin")
	programIn(t, dir, makePatience, "", filepath.Join(bin, "openapi-typescript"), "openapi.json", "-o", "sluice.d.ts")
	programIn(t, dir, makePatience, "", filepath.Join(bin, "tsc"))
	t.Log(programIn(t, dir, clientPatience, "", "node", "program.js", url, d.topic))
	d.expectRoundTrip(t, "typescript")
}

// npmLocked installs what a folder's package-lock.json names, once, and returns the folder of the modules.
func npmLocked(t *testing.T, folder string) (modules string) {
	t.Helper()
	harnesstest.Need(t, "npm")
	lock := filepath.Join(folder, "package-lock.json")
	dir, err := filepath.Abs(filepath.Join(".cache", stamped(t, "generated-typescript", lock)))
	if err != nil {
		t.Fatal(err)
	}
	modules, done := filepath.Join(dir, "node_modules"), filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return modules
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	programIn(t, dir, makePatience, "", "npm", "ci", "--no-audit", "--no-fund", "--fetch-timeout", "15000", "--fetch-retries", "4",
		"--fetch-retry-mintimeout", "500", "--fetch-retry-maxtimeout", "5000")
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return modules
}

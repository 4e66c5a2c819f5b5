//go:build generated

package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// openapi-typescript and openapi-fetch, whose versions are in generated/typescript/package.json; its tsconfig.json has
// the compiler as strict as it can be.
func TestGeneratedTypeScript(t *testing.T) {
	modules := packages.NPMLocked(t, "generated-typescript", filepath.Join("generated", "typescript"))
	d, url := openREST(t)
	dir := workshop(t, "typescript", url)
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(modules, ".bin")
	packages.Run(t, dir, packages.Patience, "", filepath.Join(bin, "openapi-typescript"), "openapi.json", "-o", "sluice.d.ts")
	packages.Run(t, dir, packages.Patience, "", filepath.Join(bin, "tsc"))
	t.Log(packages.Run(t, dir, clientPatience, "", "node", "program.js", url, d.topic))
	d.expectRoundTrip(t, "typescript")
}

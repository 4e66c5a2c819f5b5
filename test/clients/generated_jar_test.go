//go:build generated

package clients

import (
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// generate makes a client of the workshop's document in its folder client, by openapi-generator, whose version is in
// generated/generator/pom.xml.
func generate(t *testing.T, dir string, args ...string) {
	t.Helper()
	harnesstest.Need(t, "java")
	jars := packages.Maven(t, "generated-generator", filepath.Join("generated", "generator"))
	args = append([]string{
		"-cp", filepath.Join(jars, "*"), "org.openapitools.codegen.OpenAPIGenerator", "generate",
		"-i", "openapi.json", "-o", "client",
	}, args...)
	packages.Run(t, dir, packages.Patience, "", "java", args...)
}

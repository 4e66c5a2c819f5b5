//go:build generated

package clients

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// generate makes a client of the workshop's document in its folder client, by openapi-generator, whose version is in
// generated/generator/pom.xml.
func generate(t *testing.T, dir string, args ...string) {
	t.Helper()
	harnesstest.Need(t, "java")
	jars := maven(t, filepath.Join("generated", "generator"))
	args = append([]string{
		"-cp", filepath.Join(jars, "*"), "org.openapitools.codegen.OpenAPIGenerator", "generate",
		"-i", "openapi.json", "-o", "client",
	}, args...)
	programIn(t, dir, makePatience, "", "java", args...)
}

// maven fetches what a folder's pom.xml names, once, and returns the folder of the jars.
func maven(t *testing.T, folder string) (jars string) {
	t.Helper()
	harnesstest.Need(t, "mvn", "--version")
	name := stamped(t, "generated-"+filepath.Base(folder), filepath.Join(folder, "pom.xml"))
	jars, err := filepath.Abs(filepath.Join(".cache", name))
	if err != nil {
		t.Fatal(err)
	}
	done := filepath.Join(jars, "fetched")
	if _, err := os.Stat(done); err == nil {
		return jars
	}
	programIn(t, folder, makePatience, "", "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+jars)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return jars
}

//go:build generated

package clients

import (
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The client of openapi-generator on java.net.http and Jackson, all of it compiled.
func TestGeneratedJava(t *testing.T) {
	harnesstest.Need(t, "javac", "-version")
	classes := filepath.Join(packages.Maven(t, "generated-java", filepath.Join("generated", "java")), "*") + string(filepath.ListSeparator) + "classes"
	d, url := openREST(t)
	dir := workshop(t, "java", url)
	generate(t, dir, "-g", "java", "--library", "native",
		"--invoker-package", "sluice", "--api-package", "sluice.api", "--model-package", "sluice.model")
	sources := []string{"-nowarn", "-d", "classes", "-cp", classes, "Program.java"}
	for _, kind := range []string{"", "api", "model"} {
		found, err := filepath.Glob(filepath.Join(dir, "client", "src", "main", "java", "sluice", kind, "*.java"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no sources of %q were made: %v", kind, err)
		}
		sources = append(sources, found...)
	}
	packages.Run(t, dir, packages.Patience, "", "javac", sources...)
	t.Log(packages.Run(t, dir, clientPatience, "", "java", "-cp", classes, "Program", url, d.topic))
	d.expectRoundTrip(t, "java")
}

package docs

import (
	"path/filepath"
	"regexp"
	"testing"
)

// The generators that the documents name are those of the tests, where each has its version.
func TestGeneratorsAreThoseOfTheTests(t *testing.T) {
	for _, pin := range []struct{ file, has, said string }{
		{"go/go.mod", `oapi-codegen/v2 (v[0-9.]+)`, `oapi-codegen[ @](v[0-9.]*\d)`},
		{"generator/pom.xml", `openapi-generator-cli</artifactId>\s*<version>([0-9.]+)`, `openapi-generator-cli[ -]([0-9.]*\d)`},
		{"typescript/package.json", `"openapi-typescript": "([0-9.]+)"`, `openapi-typescript[ @]([0-9.]*\d)`},
		{"typescript/package.json", `"openapi-fetch": "([0-9.]+)"`, `openapi-fetch ([0-9.]*\d)`},
		{"typescript/package.json", `"typescript": "([0-9.]+)"`, ` typescript[ @]([0-9.]*\d)`},
	} {
		text := read(t, filepath.Join(root, "test", "clients", "generated", filepath.FromSlash(pin.file)))
		version := regexp.MustCompile(pin.has).FindStringSubmatch(text)
		if version == nil {
			t.Fatalf("%s: no version like %s", pin.file, pin.has)
		}
		for _, document := range []string{"http.md", "dependencies.md"} {
			said := regexp.MustCompile(pin.said).FindAllStringSubmatch(read(t, document), -1)
			if len(said) == 0 {
				t.Errorf("%s does not name what %s has: %s", document, pin.file, version[0])
			}
			for _, m := range said {
				if m[1] != version[1] {
					t.Errorf("%s: %q is not version %s of %s", document, m[0], version[1], pin.file)
				}
			}
		}
	}
}

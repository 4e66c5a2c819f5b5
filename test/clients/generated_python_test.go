//go:build generated

package clients

import (
	"path/filepath"
	"testing"
)

func TestGeneratedPython(t *testing.T) {
	list := filepath.Join("generated", "python", "requirements.txt")
	python := filepath.Join(virtualenv(t, stamped(t, "generated-python", list), "-r", list), "python")
	d, url := openREST(t)
	dir := workshop(t, "python", url)
	generate(t, dir, "-g", "python", "--package-name", "sluice")
	t.Log(programIn(t, filepath.Join(dir, "client"), clientPatience, "", python, filepath.Join("..", "program.py"), url, d.topic))
	d.expectRoundTrip(t, "python")
}

//go:build generated

package clients

import (
	"path/filepath"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

func TestGeneratedPython(t *testing.T) {
	list := filepath.Join("generated", "python", "requirements.txt")
	python := filepath.Join(packages.Virtualenv(t, packages.Stamped(t, "generated-python", list), "-r", list), "python")
	d, url := openREST(t)
	dir := workshop(t, "python", url)
	generate(t, dir, "-g", "python", "--package-name", "sluice")
	t.Log(packages.Run(t, filepath.Join(dir, "client"), clientPatience, "", python, filepath.Join("..", "program.py"), url, d.topic))
	d.expectRoundTrip(t, "python")
}

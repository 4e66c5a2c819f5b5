//go:build generated

package clients

import (
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// oapi-codegen, whose version is in generated/go/go.mod.
func TestGeneratedGo(t *testing.T) {
	d, url := openREST(t)
	dir := workshop(t, "go", url)
	packages.Run(t, dir, packages.Patience, "", "go", "tool", "oapi-codegen",
		"-generate", "types,client", "-package", "sluice", "-o", "sluice/client.go", "openapi.json")
	packages.Run(t, dir, packages.Patience, "", "go", "build", "-o", "program", ".")
	t.Log(packages.Run(t, ".", clientPatience, "", dir+"/program", url, d.topic))
	d.expectRoundTrip(t, "go")
}

//go:build generated

package clients

import "testing"

// oapi-codegen, whose version is in generated/go/go.mod.
func TestGeneratedGo(t *testing.T) {
	d, url := openREST(t)
	dir := workshop(t, "go", url)
	programIn(t, dir, makePatience, "", "go", "tool", "oapi-codegen",
		"-generate", "types,client", "-package", "sluice", "-o", "sluice/client.go", "openapi.json")
	programIn(t, dir, makePatience, "", "go", "build", "-o", "program", ".")
	t.Log(program(t, "", dir+"/program", url, d.topic))
	d.expectRoundTrip(t, "go")
}

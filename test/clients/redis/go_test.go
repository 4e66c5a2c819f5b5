//go:build matrix

package redis

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
)

// goClients are those whose versions are in go/go.mod.
func goClients() []client {
	var all []client
	for _, c := range []struct{ name, program, module string }{
		{"go-redis", "goredis8", "github.com/go-redis/redis/v8"},
		{"go-redis", "goredis9", "github.com/redis/go-redis/v9"},
		{"redigo", "redigo", "github.com/gomodule/redigo"},
		{"rueidis", "rueidis", "github.com/redis/rueidis"},
	} {
		all = append(all, client{name: c.name, version: moduleVersion(c.module), command: func(t *testing.T) []string {
			binary := filepath.Join(t.TempDir(), c.program)
			packages.Run(t, "go", packages.Patience, "", "go", "build", "-o", binary, "./"+c.program)
			return []string{binary}
		}})
	}
	return all
}

// moduleVersion is that of a module in go/go.mod, "" when it is not there.
func moduleVersion(module string) string {
	text, err := os.ReadFile(filepath.Join("go", "go.mod"))
	if err != nil {
		return ""
	}
	found := regexp.MustCompile(regexp.QuoteMeta(module) + ` v([0-9.]+)`).FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}

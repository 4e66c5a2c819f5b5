//go:build clients

package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The packages that the pages install, pinned. Go's are those of go.mod.
const (
	redisPy   = "8.1.0"
	nodeRedis = "6.3.0"
)

// language is a page, and what the test must know of it.
type language struct {
	name    string // of docs/NAME.md, of its topic NAME-orders and its group NAME-shop
	produce string // how its program for producing is called, before the key and the value
	leased  int    // how many records of a worker that was killed stay on their leases
	// installed does what the page's first commands do, in the folder of the reader, and returns variables of the shell.
	installed func(t *testing.T, dir string) (env []string)
}

func (l *language) document() string { return "docs/" + l.name + ".md" }
func (l *language) topic() string    { return l.name + "-orders" }
func (l *language) group() string    { return l.name + "-shop" }

func languages() []language {
	return []language{
		{name: "ruby", produce: "ruby produce.rb", installed: needs("ruby", "-e", `require "redis"`)},
		{name: "php", produce: "php produce.php", installed: needs("php", "-r", "new Redis;")},
		{name: "python", produce: "python3 produce.py", installed: python},
		{name: "node", produce: "node produce.mjs", installed: node},
		{name: "go", produce: "go run produce.go", installed: golang},
		{name: "shell", produce: "./produce.sh", leased: 1, installed: needs("sh", "-c", "command -v redis-cli curl jq")},
	}
}

// One test at a time fetches the packages of a language.
var fetchingPython, fetchingNode sync.Mutex

// open makes the shell of a page's reader, who has installed what the page says.
func (l *language) open(t *testing.T) *shell {
	t.Helper()
	s := open(t)
	s.env = append(s.env, l.installed(t, s.dir)...)
	return s
}

// needs is for what Debian's packages install.
func needs(program string, args ...string) func(*testing.T, string) []string {
	return func(t *testing.T, _ string) []string {
		t.Helper()
		harnesstest.Need(t, program, args...)
		return nil
	}
}

func python(t *testing.T, _ string) []string {
	t.Helper()
	fetchingPython.Lock()
	defer fetchingPython.Unlock()
	bin := packages.Virtualenv(t, "redis-py-"+redisPy, "redis=="+redisPy)
	return []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}
}

func node(t *testing.T, dir string) []string {
	t.Helper()
	fetchingNode.Lock()
	defer fetchingNode.Unlock()
	if err := os.Symlink(packages.NPM(t, "node-redis-"+nodeRedis, "redis@"+nodeRedis), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return nil
}

var module = regexp.MustCompile(`(?m)^module .*$`)

func golang(t *testing.T, dir string) []string {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), module.ReplaceAll(text, []byte("module orders")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return nil
}

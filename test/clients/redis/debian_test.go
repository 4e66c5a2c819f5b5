//go:build matrix

package redis

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// debianClients are those that Debian packages: one version of each, which a new Debian changes.
func debianClients() []client {
	return []client{
		packaged("phpredis", "php-redis", has("php", "-r", `exit((int) !extension_loaded("redis"));`), "php", "php/phpredis.php"),
		packaged("Predis", "php-nrk-predis", has("php", "-r", `require "Predis/Autoloader.php";`), "php", "php/predis.php"),
		packaged("Redis (Perl)", "libredis-perl", has("perl", "-MRedis", "-e", "1"), "perl", "perl/program.pl"),
		packaged("hiredis", "libhiredis-dev", compiled, "c/program.c"),
		packaged("redis-lua", "lua-redis", has("lua5.1", "-e", `require "redis"`), "lua5.1", "lua/program.lua"),
		packaged("redis-rb", "ruby-redis", has("ruby", "-e", `require "redis"; require "connection_pool"`), "ruby", "ruby/program.rb"),
		packaged("redis-cli", "redis-tools", has("redis-cli"), "bash", "shell/program.sh"),
	}
}

// packaged is the client of a package. ready gets what the command is made of.
func packaged(name, pkg string, ready func(t *testing.T, version string, command []string) []string, command ...string) client {
	version := debianVersion(pkg)
	return client{name: name, version: version, command: func(t *testing.T) []string {
		t.Helper()
		return ready(t, version, command)
	}}
}

// upstream is what a Debian version says of the program: without epoch, revision and what was added to the source.
var upstream = regexp.MustCompile(`^(?:\d+:)?([0-9.]+)`)

// debianVersion is the version of an installed package, "" if it is not installed.
func debianVersion(pkg string) string {
	out, err := exec.Command("dpkg-query", "--show", "--showformat", "${Version}", pkg).Output()
	found := upstream.FindSubmatch(out)
	if err != nil || found == nil {
		return ""
	}
	return string(found[1])
}

// has runs a command, with which the client is there.
func has(program string, args ...string) func(*testing.T, string, []string) []string {
	return func(t *testing.T, _ string, command []string) []string {
		t.Helper()
		harnesstest.Need(t, program, args...)
		return command
	}
}

// compiled is the program that a C compiler makes of a source.
func compiled(t *testing.T, version string, source []string) []string {
	t.Helper()
	harnesstest.Need(t, "gcc", "-E", "-include", "hiredis/hiredis.h", "-x", "c", "/dev/null")
	dir := packages.Once(t, packages.Stamped(t, "hiredis-"+version, source[0]), func(dir string) {
		packages.Run(t, ".", packages.Patience, "", "gcc", "-Wall", "-Wextra", "-Werror", "-O1", "-o", filepath.Join(dir, "program"),
			source[0], "-lhiredis")
	})
	return []string{filepath.Join(dir, "program")}
}

package packages

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// debName is the name of a package in the name of its file, as apt-get prints it.
var debName = regexp.MustCompile(`(?m)^'[^']*' ([a-z0-9.+-]+)_\S+\.deb `)

// Debian unpacks packages of Debian and what they need of others, in their places below a folder, and returns the folder.
// Nothing is installed, so it needs no rights, and packages that conflict may be had side by side.
func Debian(t *testing.T, name string, wanted ...string) (root string) {
	t.Helper()
	harnesstest.Need(t, "apt-get", "--version")
	return Once(t, name, func(dir string) {
		apt := append([]string{"install", "--print-uris", "--reinstall", "--no-install-recommends", "-y", "-qq"}, wanted...)
		download := []string{"download", "-qq"}
		for _, found := range debName.FindAllStringSubmatch(Run(t, dir, Patience, "", "apt-get", apt...), -1) {
			download = append(download, found[1])
		}
		Run(t, dir, Patience, "", "apt-get", download...)
		files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(files) == 0 {
			t.Fatalf("apt-get has fetched nothing: %v", err)
		}
		for _, file := range files {
			Run(t, dir, Patience, "", "dpkg-deb", "--extract", file, dir)
		}
	})
}

//go:build systemd

package systemd

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// The versions of the two packages; an upgrade goes from the first to the second.
const (
	oldVersion = "1.0.0"
	newVersion = "1.0.1"
)

// built are the files that go into the machines, made once.
type built struct {
	deb, newer string // the packages
	freezing   string // sluice with -tags freeze
	load       string // the clients
}

var (
	work  string // where they are, removed at the end
	build = sync.OnceValues(buildAll)
)

func TestMain(m *testing.M) {
	flag.Parse()
	// What runs in parallel mostly waits, as for a watchdog, and takes no processor meanwhile.
	err := flag.Set("test.parallel", strconv.Itoa(len(suites())*(1+len(loops))))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if work, err = os.MkdirTemp("", "sluice-systemd-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(work)
	os.Exit(status)
}

// artifacts builds what is not built yet.
func artifacts(t *testing.T) built {
	t.Helper()
	needContainer(t)
	b, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func buildAll() (built, error) {
	root, err := harness.Root()
	if err != nil {
		return built{}, err
	}
	b := built{freezing: filepath.Join(work, "freezing"), load: filepath.Join(work, "load")}
	if b.deb, err = makeDeb(root, oldVersion); err != nil {
		return built{}, err
	}
	if b.newer, err = makeDeb(root, newVersion); err != nil {
		return built{}, err
	}
	err = goBuild(root, nil, "-tags", "freeze", "-o", b.freezing, "./cmd/sluice")
	if err == nil {
		err = goBuild(root, []string{"CGO_ENABLED=0"}, "-o", b.load, "./test/systemd/load")
	}
	return b, err
}

// makeDeb builds the package as anybody would.
func makeDeb(root, version string) (string, error) {
	out := filepath.Join(work, version)
	cmd := exec.CommandContext(context.Background(), "make", "-s", "deb", "VERSION="+version, "DIST="+out)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make deb: %w\n%s", err, text)
	}
	found, err := filepath.Glob(filepath.Join(out, "*.deb"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("make deb made %v, not one package", found)
	}
	return found[0], nil
}

func goBuild(root string, env []string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"build", "-buildvcs=false"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %v: %w\n%s", args, err, out)
	}
	return nil
}

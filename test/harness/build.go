package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Root is the folder of the module, found upwards from the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}

// Build compiles the proxy into dir, hardened as the one that is shipped, and returns the path of the binary.
func Build(ctx context.Context, dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "sluice")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=pie", "-ldflags=-bindnow", "-o", binary, "./cmd/sluice")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/sluice: %w\n%s", err, out)
	}
	return binary, nil
}

// Binary is the proxy under test, built at its first use unless a path was given.
type Binary struct {
	once sync.Once
	path string
	dir  string // ours to remove, "" when the path was given
	err  error
}

// OnceBinary uses the given binary, or builds one when path is empty.
func OnceBinary(path string) *Binary { return &Binary{path: path} }

// Path returns the binary, and fails the test (or whoever t speaks for) when it cannot be built.
func (b *Binary) Path(t interface{ Fatal(...any) }) string {
	b.once.Do(func() {
		if b.path != "" {
			return
		}
		if b.dir, b.err = os.MkdirTemp("", "sluice-build-"); b.err == nil {
			b.path, b.err = Build(context.Background(), b.dir)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

// Remove deletes what was built.
func (b *Binary) Remove() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
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

// BuildShared is Build for test packages that run side by side: the first one compiles, the others find the result. The
// binary is theirs until they call remove, whatever is built meanwhile.
func BuildShared(ctx context.Context) (binary string, remove func(), err error) {
	root, err := Root()
	if err != nil {
		return "", nil, err
	}
	cache := filepath.Join(root, "test", "harness", ".cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", nil, err
	}
	unlock, err := LockFile(filepath.Join(cache, "lock"))
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	shared, err := Build(ctx, cache)
	if err != nil {
		return "", nil, err
	}
	sweep(cache)
	dir, err := os.MkdirTemp(cache, inUse)
	if err != nil {
		return "", nil, err
	}
	binary = filepath.Join(dir, "sluice")
	return binary, func() { _ = os.RemoveAll(dir) }, os.Link(shared, binary)
}

const (
	inUse   = "in-use-"
	staleBy = time.Hour // no run takes as long
)

// sweep removes what runs left that were killed.
func sweep(cache string) {
	entries, _ := os.ReadDir(cache) // a cache that cannot be read keeps what it has
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), inUse) && time.Since(info.ModTime()) > staleBy {
			_ = os.RemoveAll(filepath.Join(cache, entry.Name()))
		}
	}
}

// LockFile waits until no other process holds the lock. The file is made if need be.
func LockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil // closing lets the lock go
}

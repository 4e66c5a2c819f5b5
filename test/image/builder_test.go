//go:build image

package image

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/debian"
	"github.com/sluice-proxy/sluice/test/harness"
)

const (
	// stepPatience bounds one call of buildah. The longest compiles all of sluice without a cache: 2 min on two cores.
	stepPatience = 20 * time.Minute

	slimImage   = "localhost/debian:bookworm-slim"
	golangImage = "localhost/golang:1.26-bookworm"
	ourImage    = "localhost/sluice:test"
)

// builder is buildah with a store of its own.
type builder struct {
	t   *testing.T
	dir string
}

func newBuilder(t *testing.T) *builder {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-image-")
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{t: t, dir: dir}
	t.Cleanup(func() {
		_, err := b.try("umount", "--all")
		if err == nil {
			_, err = b.try("rm", "--all")
		}
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			t.Errorf("the store of images is left behind: %v", err)
		}
	})
	return b
}

// try runs buildah, and returns what it prints. The driver vfs copies every layer, and works on every file system.
func (b *builder) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stepPatience)
	defer cancel()
	store := []string{"--root", filepath.Join(b.dir, "root"), "--runroot", filepath.Join(b.dir, "run"), "--storage-driver", "vfs"}
	cmd := exec.CommandContext(ctx, "buildah", append(store, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()+string(out)))
	}
	return strings.TrimSpace(string(out)), err
}

func (b *builder) run(args ...string) string {
	b.t.Helper()
	out, err := b.try(args...)
	if err != nil {
		b.t.Fatalf("buildah %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// from makes a container of an image, and returns its name and its root.
func (b *builder) from(image string) (name, root string) {
	b.t.Helper()
	name = b.run("from", "--pull=never", image)
	return name, b.run("mount", name)
}

// commit makes an image of a container, which ends.
func (b *builder) commit(container, image string) {
	b.t.Helper()
	b.run("commit", "--rm", container, image)
}

// debian makes an image that stands for one of Debian's.
func (b *builder) debian(image, tree string, packages []string, prepare func(container, root string)) {
	b.t.Helper()
	made := debian.Tree{Cache: ".cache", Name: tree, Suite: "bookworm", Packages: packages, Log: b.t.Logf}
	root, err := made.Root()
	if errors.Is(err, debian.ErrNone) {
		b.t.Skip(err)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	container, to := b.from("scratch")
	copyTree(b.t, root, to)
	prepare(container, to)
	b.commit(container, image)
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "--archive", "--reflink=auto", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v\n%s", from, err, out)
	}
}

// bases makes the images that the Dockerfile begins with.
func (b *builder) bases() {
	b.t.Helper()
	b.debian(slimImage, "slim", nil, func(string, string) {})
	b.debian(golangImage, "golang", []string{"gcc", "libc6-dev", "ca-certificates"}, func(container, root string) {
		copyTree(b.t, goEnv(b.t, "GOROOT"), filepath.Join(root, "usr/local/go"))
		// As the image golang has it. What it fetches modules from is this machine's own choice.
		b.run("config", "--workingdir", "/go", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local",
			"--env", "PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"--env", "GOPROXY=file:///modules,"+goEnv(b.t, "GOPROXY"), "--env", "GOFLAGS="+goEnv(b.t, "GOFLAGS"), container)
		trusted, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"), trusted, 0o644); err != nil {
			b.t.Fatal(err)
		}
	})
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// build builds the Dockerfile as it is. Modules that this machine has are not fetched again, and packages that an earlier
// build compiled are not compiled again.
func (b *builder) build() {
	b.t.Helper()
	root, err := harness.Root()
	if err != nil {
		b.t.Fatal(err)
	}
	fetched := filepath.Join(goEnv(b.t, "GOMODCACHE"), "cache", "download")
	compiled, err := filepath.Abs(".cache/go-build")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, folder := range []string{fetched, compiled} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run("bud", "--pull=never", "--isolation", "chroot", "--network", "host",
		"--volume", fetched+":/modules:ro", "--volume", compiled+":/root/.cache/go-build",
		"--file", filepath.Join(root, "deploy", "Dockerfile"), "--tag", ourImage, root)
}

// settings are what an image says about its containers.
type settings struct {
	User, StopSignal     string
	Env, Entrypoint, Cmd []string
	ExposedPorts         map[string]struct{}
	Volumes              map[string]struct{}
}

func (b *builder) settings() settings {
	b.t.Helper()
	text := b.run("inspect", "--type", "image", ourImage)
	var image struct{ OCIv1 struct{ Config settings } }
	if err := json.Unmarshal([]byte(text), &image); err != nil {
		b.t.Fatalf("%v: %s", err, text)
	}
	return image.OCIv1.Config
}

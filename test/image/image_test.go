//go:build image

package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

func TestTheImage(t *testing.T) {
	need(t)
	b := newBuilder(t)
	b.bases()
	b.build()
	s := b.settings()
	_, root := b.from(ourImage)
	in := func(t *testing.T) *container { return &container{t: t, root: root, settings: s} }

	t.Run("holds what it runs with", func(t *testing.T) { holds(in(t)) })
	t.Run("with a configuration file", func(t *testing.T) { withFile(in(t)) })
	t.Run("with flags", func(t *testing.T) { withFlags(in(t)) })
	t.Run("read-only and as another user", func(t *testing.T) { readOnly(in(t)) })
}

// holds looks at what is in the image, and what is not.
func holds(c *container) {
	t := c.t
	if out := c.exec("/usr/bin/sluice", "version"); !strings.HasPrefix(out, "sluice "+version(t)+"\n") {
		t.Errorf("sluice version: %s", out)
	}
	if out := c.exec("/usr/bin/sluice", "check", "-c", "/etc/sluice/sluice.yaml"); !strings.Contains(out, "ok") {
		t.Errorf("sluice check: %s", out)
	}
	for path, word := range map[string]string{
		"usr/share/doc/sluice/copyright":    "librdkafka",
		"etc/ssl/certs/ca-certificates.crt": "BEGIN CERTIFICATE",
	} {
		text, err := os.ReadFile(filepath.Join(c.root, path))
		if err != nil || !strings.Contains(string(text), word) {
			t.Errorf("%s: %d bytes, without %q: %v", path, len(text), word, err)
		}
	}
	for _, path := range []string{"usr/local/go", "usr/bin/gcc", "src", "go", "sluice"} {
		if _, err := os.Lstat(filepath.Join(c.root, path)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the builder's /%s is in the image: %v", path, err)
		}
	}
	for _, port := range []string{"6380/tcp", "8082/tcp", "9380/tcp"} {
		if _, exposed := c.settings.ExposedPorts[port]; !exposed {
			t.Errorf("port %s is not exposed: %v", port, c.settings.ExposedPorts)
		}
	}
	if _, volume := c.settings.Volumes["/var/lib/sluice"]; !volume {
		t.Errorf("volumes: %v", c.settings.Volumes)
	}
}

// version is that of an image that was built without another.
func version(t *testing.T) string {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// doors are free addresses for the three doors, and a broker.
func doors(t *testing.T) (resp, rest, management, broker string) {
	t.Helper()
	fake, err := harness.StartFake(harness.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	ports, err := harness.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	return at(0), at(1), at(2), fake.Brokers()[0]
}

// withFile runs the image as it is, with a configuration in the place of the packaged one, as with docker run -v.
func withFile(c *container) {
	t := c.t
	resp, rest, management, broker := doors(t)
	replace(t, filepath.Join(c.root, "etc/sluice/sluice.yaml"), fmt.Sprintf(
		"kafka: {brokers: [%q]}\nresp: {address: %q}\nhttp: {address: %q}\nmanagement: {address: %q}\n", broker, resp, rest, management))
	p := c.run()
	await(t, p, func(ctx context.Context) error { return ok(ctx, "http://"+management+"/readyz") })
	await(t, p, func(ctx context.Context) error { return ok(ctx, "http://"+rest+"/topics") })
	converse(t, resp)
	status := c.exec("/usr/bin/sluice", "ctl", "status")
	if want := "sluice " + version(t); !strings.HasPrefix(status, want) || !strings.Contains(status, "ready") {
		t.Errorf("sluice ctl status: %s", status)
	}
	c.stop(p)
	if !strings.Contains(p.out.String(), "msg=stopped") {
		t.Errorf("the log does not say that sluice has stopped:\n%s", &p.out)
	}
}

// withFlags runs the image without a file: `docker run ... sluice serve --brokers ...`.
func withFlags(c *container) {
	resp, _, management, broker := doors(c.t)
	p := c.run("serve", "--brokers", broker, "--resp", resp, "--http", "", "--management", management)
	await(c.t, p, func(ctx context.Context) error { return ok(ctx, "http://"+management+"/readyz") })
	converse(c.t, resp)
	c.stop(p)
}

// readOnly runs the image as `docker run --read-only --user 1000` does.
func readOnly(c *container) {
	resp, _, management, broker := doors(c.t)
	p := c.runReadOnly("1000:0", "serve", "--brokers", broker, "--resp", resp, "--http", "", "--management", management)
	await(c.t, p, func(ctx context.Context) error { return ok(ctx, "http://"+management+"/readyz") })
	converse(c.t, resp)
	c.stop(p)
}

// converse produces a record, and consumes it.
func converse(t *testing.T, addr string) {
	t.Helper()
	if got := redisCLI(t, addr, "RPUSH topics:greetings \"Hello there!\"\n"); got != "1" {
		t.Fatalf("RPUSH: %s", got)
	}
	got := redisCLI(t, addr, "CLIENT SETNAME myapp:worker-1\nBLPOP topics:greetings 20\nRPUSH acks greetings:0:0\n")
	if want := "OK\ntopic\ngreetings\npartition\n0\noffset\n0\nvalue\nHello there!\n1"; got != want {
		t.Fatalf("consuming: %s\nwant: %s", got, want)
	}
}

func redisCLI(t *testing.T, addr, commands string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "redis-cli", "-p", port)
	cmd.Stdin = strings.NewReader(commands)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// ok wants status 200 of an address.
func ok(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

// await waits for what a process is to bring about, and no longer than it lives.
func await(t *testing.T, p *process, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := harness.Until(ctx, check); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

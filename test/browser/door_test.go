//go:build browser

package browser

import (
	"context"
	"encoding/base64"
	"os"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

var binary = harness.OnceBinary(os.Getenv("SLUICE_BIN"))

func TestMain(m *testing.M) {
	status := m.Run()
	binary.Remove()
	os.Exit(status)
}

// door is a proxy before a fake cluster that has the topic orders.
type door struct {
	t      *testing.T
	sluice *harness.Sluice
	url    string // of its HTTP door
}

func open(t *testing.T) *door {
	t.Helper()
	program(t) // skips where there is no browser
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	fake, err := harness.StartFake(harness.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	admin, err := harness.OpenAdmin(fake.Brokers())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(ctx, "orders", 1); err != nil {
		t.Fatal(err)
	}
	addr, err := harness.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, url: "http://" + addr}
	d.sluice, err = harness.StartSluice(ctx, harness.SluiceOptions{Binary: binary.Path(t), Brokers: fake.Brokers(), Args: []string{"--http", addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the proxy's log:\n%s", d.sluice.Output())
		}
		_ = d.sluice.Close()
	})
	return d
}

// restart kills the proxy and starts it at the same addresses.
func (d *door) restart(ctx context.Context) {
	d.t.Helper()
	again, err := d.sluice.Restart(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	d.sluice = again
}

// screenshot writes what the page shows into a file.
func (c *chromium) screenshot(file string) {
	c.t.Helper()
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1300, "height": 1200, "deviceScaleFactor": 1, "mobile": false})
	var shot struct {
		Data string `json:"data"`
	}
	c.result(c.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": false}), &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

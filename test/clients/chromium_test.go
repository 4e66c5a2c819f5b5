//go:build browser

package clients

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// pagePatience bounds one call of the browser.
const pagePatience = 30 * time.Second

// chromium is a headless browser with one page, told what to do over two pipes (--remote-debugging-pipe): file 3 is
// for the messages to it, 4 for those from it; each ends with a NUL.
// https://chromedevtools.github.io/devtools-protocol/
type chromium struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	session string
	calls   int
}

// devtools is what goes either way.
type devtools struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    any             `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

// browse starts a browser that shows the address.
func browse(t *testing.T, address string) *chromium {
	t.Helper()
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Root has no sandbox; a container's /dev/shm may be small.
	cmd := exec.Command(browserPath(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	c := &chromium{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		c.call("Browser.close", nil)
		in.Close()
		_ = cmd.Wait()
		out.Close()
		if t.Failed() {
			t.Logf("chromium said:\n%s", said.String())
		}
	})
	if err := out.SetReadDeadline(time.Now().Add(5 * pagePatience)); err != nil {
		t.Fatal(err)
	}
	c.open(address)
	return c
}

// browserPath is where the browser is.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	harnesstest.Need(t, "chromium")
	return "chromium"
}

// open makes a page. It goes to the address once somebody listens, who is told when it is there.
func (c *chromium) open(address string) {
	c.t.Helper()
	var target struct {
		TargetID string `json:"targetId"`
	}
	c.result(c.call("Target.createTarget", map[string]any{"url": "about:blank"}), &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	c.result(c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}), &attached)
	c.session = attached.SessionID
	c.call("Page.navigate", map[string]any{"url": address})
}

// call asks for something and waits until it is done; what the browser says of itself meanwhile is passed over.
func (c *chromium) call(method string, params any) json.RawMessage {
	c.t.Helper()
	c.calls++
	text, err := json.Marshal(devtools{ID: c.calls, SessionID: c.session, Method: method, Params: params})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(text, 0)); err != nil {
		c.t.Fatal(err)
	}
	for {
		text, err := c.out.ReadBytes(0)
		if err != nil {
			c.t.Fatalf("%s: %v", method, err)
		}
		var m devtools
		if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m); err != nil {
			c.t.Fatal(err)
		}
		switch {
		case m.ID != c.calls:
		case m.Error != nil:
			c.t.Fatalf("%s: %s", method, m.Error)
		default:
			return m.Result
		}
	}
}

func (c *chromium) result(text json.RawMessage, into any) {
	c.t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		c.t.Fatalf("%v: %s", err, text)
	}
}

// run runs the body of an async function in the page, and reads what it returns.
func (c *chromium) run(into any, body string, values ...any) {
	c.t.Helper()
	expression := fmt.Sprintf("(async () => {"+body+"})()", values...)
	var ran struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	c.result(c.call("Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": true, "timeout": pagePatience.Milliseconds(),
	}), &ran)
	if ran.Exception != nil {
		c.t.Fatalf("%s: %s", expression, ran.Exception)
	}
	if into != nil {
		c.result(ran.Result.Value, into)
	}
}

// press presses a key. A text is what it types.
func (c *chromium) press(key, text string, code int) {
	c.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		params := map[string]any{"type": kind, "key": key, "windowsVirtualKeyCode": code}
		if kind == "keyDown" && text != "" {
			params["text"] = text
		}
		c.call("Input.dispatchKeyEvent", params)
	}
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

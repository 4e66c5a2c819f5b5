package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// web is a sluice whose file says where the HTTP door is.
type web struct {
	*harness.Sluice
	control

	t      *testing.T
	config string
}

func startWeb(t *testing.T, ctx context.Context, address string, inherit ...harness.Inherited) *web {
	t.Helper()
	k := harnesstest.Fake(t, harness.FakeOptions{})
	w := &web{control: newControl(t), t: t, config: harnesstest.Config(t, httpAt(address))}
	w.Sluice = start(t, ctx, harness.SluiceOptions{
		Brokers: k.Brokers(), HTTPInFile: true, Args: []string{"--config", w.config, "--control", w.socket}, Inherit: inherit,
	})
	return w
}

func httpAt(address string) string { return "drain_grace: 1h\nhttp: {address: '" + address + "'}" }

// reload gives the door another address, and returns what sluice ctl said.
func (w *web) reload(ctx context.Context, address string) (out string, status int) {
	w.t.Helper()
	if err := os.WriteFile(w.config, []byte(httpAt(address)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.control.sluice(w.t, ctx, "reload")
}

// moves is a reload that must succeed.
func (w *web) moves(ctx context.Context, address string) {
	w.t.Helper()
	if out, status := w.reload(ctx, address); status != 0 || !strings.Contains(out, "changed at once: http.address\n") {
		w.t.Fatalf("reload: %d\n%s", status, out)
	}
}

// doors are the addresses at which sluice says that the HTTP door is open.
func (w *web) doors(ctx context.Context) (addresses []string) {
	w.t.Helper()
	_, body, err := w.Get(ctx, "/status")
	if err != nil {
		w.t.Fatal(err)
	}
	var status struct {
		Listeners []struct{ Name, Address string }
	}
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		w.t.Fatal(err)
	}
	for _, l := range status.Listeners {
		if l.Name == "http" {
			addresses = append(addresses, l.Address)
		}
	}
	return addresses
}

// call sends a request over a client, and returns the body of its answer.
func (w *web) call(ctx context.Context, c *http.Client, method, url, body string) string {
	w.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/vnd.kafka.json.v2+json")
	response, err := c.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		w.t.Fatalf("%s %s: %s, %v\n%s", method, url, response.Status, err, text)
	}
	return string(text)
}

// produces writes a record through the door at an address.
func (w *web) produces(ctx context.Context, address string) {
	w.t.Helper()
	w.call(ctx, fresh(), http.MethodPost, "http://"+address+"/topics/letters", `{"records":[{"value":"x"}]}`)
}

// fresh is a client with a connection of its own.
func fresh() *http.Client { return &http.Client{Transport: &http.Transport{}} }

// refuses waits until nobody listens at an address.
func (w *web) refuses(ctx context.Context, address string) {
	w.t.Helper()
	harnesstest.Until(w.t, ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return fmt.Errorf("%s is open", address)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		return nil
	})
}

// A reload opens the HTTP door, moves it, closes it and opens it again. What clients have stays across a move.
func TestAReloadOpensMovesAndClosesTheHTTPDoor(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	w := startWeb(t, ctx, "")
	first, second := harnesstest.FreeAddr(t), harnesstest.FreeAddr(t)
	if open := w.doors(ctx); open != nil {
		t.Fatalf("open at the start: %v", open)
	}
	w.moves(ctx, first)
	w.produces(ctx, first)

	c := fresh()
	w.call(ctx, c, http.MethodPost, "http://"+first+"/consumers/app", `{"name":"one","format":"json"}`)
	w.moves(ctx, second)
	w.refuses(ctx, first)
	w.produces(ctx, second)
	w.call(ctx, c, http.MethodGet, "http://"+first+"/topics", "") // over the connection from before
	w.call(ctx, fresh(), http.MethodDelete, "http://"+second+"/consumers/app/instances/one", "")
	if open := w.doors(ctx); len(open) != 1 || open[0] != second {
		t.Errorf("open at %v", open)
	}

	w.moves(ctx, "")
	w.refuses(ctx, second)
	if open := w.doors(ctx); open != nil {
		t.Errorf("still open at %v", open)
	}
	w.moves(ctx, first)
	w.produces(ctx, first)
	if status, err := w.Stop(ctx); status != 0 || err != nil {
		t.Errorf("stopped: %d, %v", status, err)
	}
	for _, line := range []string{
		`level=INFO msg="door open" door=http address=` + second + ` inherited=false`,
		`level=INFO msg="door closed" door=http address=` + second,
	} {
		if !strings.Contains(w.Output(), line) {
			t.Errorf("the log has no %s:\n%s", line, w.Output())
		}
	}
}

// An address that is taken is refused, with the rest of the reload. The door stays where it is.
func TestAReloadToATakenAddressChangesNothing(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	here := harnesstest.FreeAddr(t)
	w := startWeb(t, ctx, here)
	taken := listen(t)
	out, status := w.reload(ctx, taken.Addr().String())
	if want := "http.address: listen tcp " + taken.Addr().String() + ": bind: address already in use\n"; status != 78 || out != want {
		t.Errorf("%d, %q, want %q", status, out, want)
	}
	expectSuccess(t, ctx, w.Sluice, 0)
	w.produces(ctx, here)
	if open := w.doors(ctx); len(open) != 1 || open[0] != here {
		t.Errorf("open at %v", open)
	}
	w.moves(ctx, harnesstest.FreeAddr(t))
	expectSuccess(t, ctx, w.Sluice, 1)
}

// A door that a reload closes lets its workers settle what they have. A second signal ends that, too.
func TestAReloadThatClosesTheHTTPDoorDrainsIt(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	here := harnesstest.FreeAddr(t)
	w := startWeb(t, ctx, here)
	w.produces(ctx, here)
	w.produces(ctx, here)
	take := func() (lease string) {
		t.Helper()
		var got []struct{ Lease string }
		text := w.call(ctx, fresh(), http.MethodGet, "http://"+here+"/v1/groups/app/messages?topics=letters&wait=20s&max=1", "")
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(got) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		return got[0].Lease
	}
	one := take()
	_ = take() // it is never settled
	w.moves(ctx, "")
	if done := w.call(ctx, fresh(), http.MethodPost, "http://"+here+"/v1/groups/app/acks", `{"ack":["`+one+`"]}`); !strings.Contains(done, `"accepted":1`) {
		t.Errorf("settled while the door closes: %s", done)
	}
	if strings.Contains(w.Output(), "door closed") {
		t.Error("the door is closed while a worker has a record")
	}
	for _, said := range []string{"draining; a second signal cuts", "second signal: cutting"} {
		if err := w.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		harnesstest.Until(t, ctx, func(context.Context) error {
			if !strings.Contains(w.Output(), said) {
				return fmt.Errorf("not said: %s", said)
			}
			return nil
		})
	}
	if status, err := w.Wait(ctx); status != 0 || err != nil {
		t.Errorf("ended: %d, %v\n%s", status, err, w.Output())
	}
}

// Where systemd opened the door, the file's address opens nothing.
func TestAReloadLeavesTheDoorOfSystemd(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	l := listen(t)
	w := startWeb(t, ctx, "", harness.Inherited{Name: "http", Listener: l})
	here := l.Addr().String()
	elsewhere := harnesstest.FreeAddr(t)
	if out, status := w.reload(ctx, elsewhere); status != 0 || out != "needs a restart: http.address\n" {
		t.Errorf("%d, %s", status, out)
	}
	w.refuses(ctx, elsewhere)
	w.produces(ctx, here)
}

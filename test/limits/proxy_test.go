package limits

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// patience bounds every test: what has not happened by then never will.
const patience = 30 * time.Second

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// proxy is a running sluice under attack.
type proxy struct {
	*harness.Sluice

	ctx     context.Context
	guarded bool // asks for the password
}

// serve starts a proxy with a broker inside; the lines are its configuration file.
func serve(t *testing.T, config ...string) *proxy {
	t.Helper()
	return serveOn(t, nil, config...)
}

// serveOn starts a proxy on brokers, with one inside when there are none.
func serveOn(t *testing.T, brokers []string, config ...string) *proxy {
	t.Helper()
	ctx := harnesstest.Within(t, patience)
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{
		Brokers: brokers, Management: harnesstest.FreeAddr(t), Args: []string{"--config", harnesstest.Config(t, config...)},
	})
	p := &proxy{Sluice: sluice, ctx: ctx, guarded: strings.Contains(strings.Join(config, ""), password)}
	t.Cleanup(func() { p.end(t) })
	w := p.witness(t)
	w.ping() // warm: the first command allocates what all share
	w.Close()
	p.settleDown(t)
	return p
}

// end fails the test if the proxy died of what was done to it, or panicked in one of its sessions.
func (p *proxy) end(t *testing.T) {
	select {
	case <-p.Done():
		t.Error("the proxy has ended:\n" + p.Output())
	default:
	}
	if out := p.Output(); strings.Contains(out, "panic") {
		t.Error("the proxy panicked:\n" + out)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// until waits for an event that can only be looked for.
func (p *proxy) until(t *testing.T, check func() error) {
	t.Helper()
	harnesstest.Until(t, p.ctx, func(context.Context) error { return check() })
}

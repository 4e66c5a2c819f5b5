package limits

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// serveAlone starts a proxy whose brokers are away.
func serveAlone(t *testing.T) *proxy {
	t.Helper()
	ctx := harnesstest.Within(t, patience)
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{Brokers: []string{harnesstest.FreeAddr(t)}})
	p := &proxy{Sluice: sluice, ctx: ctx}
	t.Cleanup(func() { p.end(t) })
	return p
}

// waitingCost is what three seconds of DUMP may take of a processor; who spins takes all of it.
const waitingCost = 600 * time.Millisecond

// Waiting for brokers that are away costs nothing, whatever a client waits for: room in a full queue,
// or the delivery of its records.
func TestWaitingForBrokersDoesNotSpin(t *testing.T) {
	const more = 2000 // than are held for a topic that cannot be looked up
	p := serveAlone(t)
	stuck, dumping := p.dial(t), p.dial(t)
	go stuck.send(strings.Repeat("RPUSHX topics:t x\r\n", more))
	dumping.send("CLIENT SETNAME g:m\r\nRPUSHX topics:other x\r\nDUMP 3000\r\n")
	dumping.expect("+OK")
	dumping.expect(":1")

	before := p.cpu(t)
	dumping.expect(":1") // of DUMP: not delivered
	if used := p.cpu(t) - before; used > waitingCost {
		t.Errorf("the proxy used %s of a core to wait", used)
	}
}

package operations

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	eachWorkers   = 200
	eachPause     = 100 * time.Millisecond // of a worker between two requests
	stayers       = 8                      // clients that stay connected and pipeline
	stayBatch     = 25
	restarts      = 5
	betweenStarts = time.Second // five restarts in five seconds
	// strayResets is how many connections may be made just when a listener closes, which resets them:
	// nothing can be done about that moment but not to close the listener.
	strayResets = 10
)

// With sockets that outlive the process a restart is a pause for who connects per request: nobody is refused, nobody's
// connection ends before the answer, and nobody hears an error. A pipeline's connection ends when
// sluice stops, and what has no answer is unknown: docs/protocol.md, Draining. Nothing that was answered is lost.
func TestNobodyIsRefusedAcrossRestarts(t *testing.T) {
	t.Parallel()
	resp, management := listen(t), listen(t)
	r := newRestarts(t, harness.SluiceOptions{
		Addr: resp.Addr().String(), Management: management.Addr().String(),
		Inherit: []harness.Inherited{{Name: "resp", Listener: resp}, {Name: "management", Listener: management}},
	})
	l := r.underLoad(t)
	l.nothingLost(t, r)
	if l.refused > 0 {
		t.Errorf("%d of %d requests were refused", l.refused, l.requests)
	}
	if l.late(t) {
		return
	}
	if l.cut+l.declined > 0 {
		t.Errorf("of %d requests %d ended before the answer, %d were answered with an error: %v", l.requests, l.cut, l.declined, l.why)
	}
	if l.broken > 0 {
		t.Errorf("%d of %d pipelines were reset: %v", l.broken, l.batches, l.why)
	}
}

// Without them connections are refused for a moment, or reset in the one in which the listener closes,
// and that is all that happens.
func TestNothingIsLostAcrossRestarts(t *testing.T) {
	t.Parallel()
	r := newRestarts(t, harness.SluiceOptions{Addr: harnesstest.FreeAddr(t), Management: harnesstest.FreeAddr(t)})
	l := r.underLoad(t)
	l.nothingLost(t, r)
	if l.refused == 0 {
		t.Error("nobody was refused: sluice was not restarted while there was load")
	}
	if l.late(t) {
		return
	}
	if l.declined > 0 {
		t.Errorf("%d requests were answered with an error: %v", l.declined, l.why)
	}
	if l.cut+l.broken > strayResets {
		t.Errorf("%d requests ended before their answers, %d pipelines were reset: %v", l.cut, l.broken, l.why)
	}
}

// listen opens a socket as a systemd socket unit does.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// restarting is a proxy that is stopped and started again and again.
type restarting struct {
	*harnesstest.FakeCluster

	ctx     context.Context
	options harness.SluiceOptions
	now     *harness.Sluice
}

func newRestarts(t *testing.T, o harness.SluiceOptions) *restarting {
	t.Helper()
	r := &restarting{FakeCluster: harnesstest.Fake(t, harness.FakeOptions{}), ctx: harnesstest.Within(t, 3*time.Minute), options: o}
	harnesstest.Topic(t, r.ctx, r.Admin, letters, 4)
	r.options.Brokers = r.Brokers()
	r.now = start(t, r.ctx, r.options)
	return r
}

// restart stops the proxy with SIGTERM and starts the next one.
func (r *restarting) restart(t *testing.T) {
	t.Helper()
	begun := time.Now()
	status, err := r.now.Stop(r.ctx)
	if err != nil || status != 0 {
		t.Fatalf("stopped with %d, %v", status, err)
	}
	stopped := time.Now()
	r.now = start(t, r.ctx, r.options)
	t.Logf("stopped after %v, ready again after %v more", stopped.Sub(begun).Round(time.Millisecond), time.Since(stopped).Round(time.Millisecond))
}

// underLoad restarts the proxy while clients produce, and returns how their requests ended.
func (r *restarting) underLoad(t *testing.T) *load {
	t.Helper()
	l := &load{addr: r.now.Addr, why: map[string]int{}}
	loading, stop := context.WithCancel(r.ctx)
	defer stop()
	stalls := harness.WatchStalls()
	var clients sync.WaitGroup
	for i := range eachWorkers {
		clients.Go(func() { l.each(loading, i) })
	}
	for i := range stayers {
		clients.Go(func() { l.stay(loading, i) })
	}
	tick := time.NewTicker(betweenStarts)
	defer tick.Stop()
	for range restarts {
		<-tick.C
		r.restart(t)
	}
	<-tick.C
	stop()
	clients.Wait()
	l.stalled = stalls.Worst()
	if status, err := r.now.Stop(r.ctx); err != nil || status != 0 { // what was answered is in Kafka then
		t.Errorf("stopped with %d, %v", status, err)
	}
	t.Logf("%d requests on connections of their own: %d refused, %d ended before the answer, %d answered with an error, longest wait %v",
		l.requests, l.refused, l.cut, l.declined, l.longest.Round(time.Millisecond))
	t.Logf("%d pipelines of %d on connections that stay: %d told of the shutdown, %d ended before all of their answers",
		l.batches, stayBatch, l.told, l.broken)
	return l
}

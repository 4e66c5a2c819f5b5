//go:build kafka

package operations

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	outage         = time.Minute
	noticeLooks    = 15               // a second each, until /readyz knows that the brokers are gone
	returnPatience = 90 * time.Second // until a killed Kafka node answers again, and sluice has seen it
	watchdogTime   = 3 * time.Second
	memoryGrowth   = 150 << 20 // bytes; what waits for the brokers is bounded by the producers' queues
	outageLines    = 20        // of log, in that minute
	truthTellers   = 4
	truthBatch     = 20
	truthPause     = 100 * time.Millisecond
)

// A minute without brokers is sat out: the watchdog is fed, the doors are open, who asks is told why
// clients should go elsewhere, memory and log stay small, and afterwards all is as before.
func TestBrokersAwayForAMinute(t *testing.T) {
	for name, how := range map[string]struct {
		away func(*harness.KafkaNode) error
		back func(*harness.KafkaNode) error
	}{
		"killed": {(*harness.KafkaNode).Kill, (*harness.KafkaNode).Start},
		"frozen": {(*harness.KafkaNode).Pause, (*harness.KafkaNode).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			o := startOutage(t)
			o.spend(t, 10*time.Second, func(bool) {}) // as usual
			awaitReady(t, o.ctx, o.sluice)
			lines, memory := o.lines(), o.seen.memory

			if err := how.away(o.kafka.Nodes[0]); err != nil {
				t.Fatal(err)
			}
			o.awayFor(t)
			t.Logf("%d lines of log while the brokers were away; memory went from %.0f to %.0f MiB", o.lines()-lines, memory/(1<<20), o.seen.peak/(1<<20))
			if grown := o.seen.peak - memory; grown > memoryGrowth {
				t.Errorf("memory grew by %.0f MiB", grown/(1<<20))
			}
			if said := o.lines() - lines; said >= outageLines {
				t.Errorf("%d lines of log in %v", said, outage)
			}

			if err := how.back(o.kafka.Nodes[0]); err != nil {
				t.Fatal(err)
			}
			o.backAgain(t)
			o.spend(t, 10*time.Second, func(bool) {})
			awaitReady(t, o.ctx, o.sluice)
			o.tellTheTruth(t)
			o.watchdogWasFed(t)
		})
	}
}

// away is a proxy under load whose brokers go away.
type away struct {
	ctx    context.Context
	kafka  *harness.Kafka
	admin  *harness.Admin
	sluice *harness.Sluice
	notify *notifySocket

	stop    func()
	clients sync.WaitGroup
	seen    observed

	mu       sync.Mutex
	told     []string // values of which the proxy said that Kafka has them
	consumed int
	declined map[string]int // answers that were errors
}

// observed is what the looks at a proxy have found so far.
type observed struct {
	counters map[string]float64
	memory   float64 // now, in bytes
	peak     float64 // likewise, the most
	pings    int     // of the watchdog, at the last look
	unfed    int     // looks since the last ping
}

func startOutage(t *testing.T) *away {
	t.Helper()
	a := &away{ctx: harnesstest.Within(t, 5*time.Minute), notify: listenNotify(t), declined: map[string]int{}}
	kafka := harnesstest.Kafka(t, a.ctx, harness.KafkaOptions{})
	a.kafka, a.admin = kafka.Kafka, kafka.Admin
	harnesstest.Topic(t, a.ctx, a.admin, letters, 4)
	a.sluice = start(t, a.ctx, harness.SluiceOptions{
		Brokers: kafka.Brokers(),
		Env:     []string{"NOTIFY_SOCKET=" + a.notify.path, fmt.Sprintf("WATCHDOG_USEC=%d", watchdogTime.Microseconds())},
	})
	ctx, stop := context.WithCancel(a.ctx)
	a.stop = stop
	t.Cleanup(func() { // before the proxy ends
		stop()
		a.clients.Wait()
	})
	for i := range truthTellers {
		a.clients.Go(func() { a.report(t, "buffered", a.buffered(ctx, i)) })
	}
	a.clients.Go(func() { a.report(t, "delivered", a.delivered(ctx)) })
	a.clients.Go(func() { a.report(t, "consumer", a.consume(ctx)) })
	return a
}

// spend looks at the proxy every second for so long; see is told whether it is ready.
func (a *away) spend(t *testing.T, d time.Duration, see func(ready bool)) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for over := time.Now().Add(d); time.Now().Before(over); {
		<-tick.C
		a.look(t)
		see(ask(t, a.ctx, a.sluice, "/readyz").Ready)
	}
}

// look checks what must be so at any time.
func (a *away) look(t *testing.T) {
	t.Helper()
	healthy(t, a.ctx, a.sluice)
	m := harnesstest.Scrape(t, a.ctx, a.sluice)
	balanced(t, m)
	a.seen.counters = forward(t, a.seen.counters, m)
	a.seen.memory = m.Sum("process_resident_memory_bytes")
	a.seen.peak = max(a.seen.peak, a.seen.memory)
	a.expectPing(t)
}

// awayFor is the outage, as seen at the management door and by the service manager.
func (a *away) awayFor(t *testing.T) {
	t.Helper()
	looks, noticed := 0, 0
	a.spend(t, outage, func(ready bool) {
		looks++
		switch {
		case !ready && noticed == 0:
			noticed = looks
		case ready && noticed != 0:
			t.Errorf("ready again %d s after the brokers went away", looks)
		}
	})
	if noticed == 0 || noticed > noticeLooks {
		t.Fatalf("/readyz noticed at the %dth look (0 is never)", noticed)
	}
	t.Logf("/readyz noticed after %d s", noticed)
	awaitNotReady(t, a.ctx, a.sluice, "no broker answers: ")
	if now := a.notify.status(); !strings.Contains(now, "; no broker answers") {
		t.Errorf("the status says %q", now)
	}
}

// backAgain waits until all is as before.
func (a *away) backAgain(t *testing.T) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(a.ctx, returnPatience)
	defer cancel()
	if err := a.kafka.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	answers := time.Since(began)
	awaitReady(t, ctx, a.sluice)
	a.mu.Lock()
	believed, consumed := len(a.told), a.consumed
	a.mu.Unlock()
	t.Logf("the broker answers after %v, sluice is ready %v later", answers.Round(time.Second), (time.Since(began) - answers).Round(time.Millisecond))
	harnesstest.Until(t, ctx, func(context.Context) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.told) == believed || a.consumed == consumed {
			return fmt.Errorf("%d records delivered and %d consumed since the brokers are back", len(a.told)-believed, a.consumed-consumed)
		}
		return nil
	})
	harnesstest.Until(t, ctx, func(context.Context) error {
		if now := a.notify.status(); strings.Contains(now, "no broker") {
			return fmt.Errorf("the status says %q", now)
		}
		return nil
	})
}

func (a *away) lines() int { return strings.Count(a.sluice.Output(), "\n") }

// tellTheTruth looks in Kafka for everything that the proxy said is there.
func (a *away) tellTheTruth(t *testing.T) {
	t.Helper()
	a.stop()
	a.clients.Wait()
	records, err := a.admin.Records(a.ctx, letters)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool, len(records))
	for _, one := range records {
		found[string(one.Value)] = true
	}
	t.Logf("%d records said to be in Kafka, %d there, %d consumed; declined: %v", len(a.told), len(records), a.consumed, a.declined)
	lost := slices.DeleteFunc(slices.Clone(a.told), func(value string) bool { return found[value] })
	if len(lost) > 0 {
		t.Errorf("%d of %d records are not in Kafka, among them %.40s", len(lost), len(a.told), lost[0])
	}
	if len(a.told) < 1000 {
		t.Errorf("only %d records were said to be in Kafka: the test saw nothing", len(a.told))
	}
}

// expectPing fails where so many looks in a row, one a second, saw no ping that systemd would have aborted the process.
func (a *away) expectPing(t *testing.T) {
	t.Helper()
	a.seen.unfed++
	if n := len(a.notify.pings()); n > a.seen.pings {
		a.seen.pings, a.seen.unfed = n, 0
	}
	if a.seen.unfed > int(watchdogTime/time.Second) {
		t.Errorf("%d looks in a row saw no ping: systemd would have ended the process", a.seen.unfed)
	}
}

// watchdogWasFed checks that the process never took itself for stuck.
func (a *away) watchdogWasFed(t *testing.T) {
	t.Helper()
	t.Logf("%d pings of the watchdog", a.seen.pings)
	for _, m := range a.notify.all() {
		if m.has("WATCHDOG=trigger") || strings.Contains(m.text, "stuck") {
			t.Errorf("systemd was told %q", m.text)
		}
	}
}

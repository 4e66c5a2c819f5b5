package daemon

import (
	"context"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

const (
	// closeGrace bounds how long Kafka's side may take to end: commits, leaving the groups, the last deliveries.
	closeGrace = 35 * time.Second
	// cutGrace is the same bound after a second signal.
	cutGrace = 3 * time.Second
)

// drain lets clients finish, then ends Kafka's side. It closes the management doors last, so that operators can watch.
// It calls end when the other loops of the daemon must end.
func (d *daemon) drain(end context.CancelFunc) error {
	d.beginDraining()
	d.backend.client.Stopping()
	ctx, stop := context.WithCancel(context.Background())
	d.loops.Go(func() { d.extendStopTimeout(ctx) })
	cut, done := d.secondSignal()
	d.drainDoors(cut)
	err := d.closeClient(cut)
	done()
	closing, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	d.doors.management.Close(closing)
	stop()
	end()
	d.loops.Wait()
	d.log.Info("stopped")
	return err
}

// beginDraining waits for a reload that is under way. Later ones are refused.
func (d *daemon) beginDraining() {
	d.current.mu.Lock()
	defer d.current.mu.Unlock()
	d.phase.Store(draining)
}

// drainDoors lets the clients of both doors finish at the same time, within the same grace.
func (d *daemon) drainDoors(cut context.Context) {
	var doors sync.WaitGroup
	drain := func(name string, drain func(context.Context) int) {
		doors.Go(func() {
			if n := drain(cut); n > 0 {
				d.log.Warn("connections cut", "door", name, "connections", n)
			}
		})
	}
	if d.doors.resp != nil {
		drain(respDoor, d.doors.resp.Drain)
	}
	if door := d.doors.http(); door != nil {
		drain(httpDoor, door.Drain)
	}
	doors.Go(func() { d.doors.leaving.wait(cut) })
	doors.Wait()
}

// extendStopTimeout tells the service manager again and again that the stop needs more time, until ctx ends.
func (d *daemon) extendStopTimeout(ctx context.Context) {
	const every, ahead = 5 * time.Second, 15 * time.Second
	d.notifier.Stopping(d.statusLine())
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		d.notifier.Extend(ahead)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// secondSignal returns a context that a second signal ends. A third signal is not caught, and kills. done ends the wait
// for signals.
func (d *daemon) secondSignal() (cut context.Context, done func()) {
	cut, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		select {
		case <-d.stops.signals:
			signal.Reset(syscall.SIGTERM, syscall.SIGINT)
			d.log.Warn("second signal: cutting")
			cancel()
		case <-cut.Done():
		}
	})
	return cut, func() {
		cancel()
		wait.Wait()
	}
}

// closeClient commits, leaves the groups and delivers queued records. It takes closeGrace at most, and cutGrace after
// the second signal.
func (d *daemon) closeClient(cut context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cut), closeGrace)
	defer cancel()
	defer context.AfterFunc(cut, func() { time.AfterFunc(cutGrace, cancel) })()
	err := d.backend.client.Close(ctx)
	d.backend.closed = true
	return err
}

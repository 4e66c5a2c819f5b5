package main

import (
	"context"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// How long Kafka's side may take to end: commits, leaving the groups, the last deliveries. An
// operator who signals twice does not want to wait for that either.
const (
	closeGrace = 35 * time.Second
	cutGrace   = 3 * time.Second
)

// drain lets clients finish, then Kafka's side, then closes the management doors, so that whoever
// watches sees it happen.
func (d *daemon) drain(end context.CancelFunc) error {
	d.phase.Store(draining)
	d.client.Stopping()
	ctx, stop := context.WithCancel(context.Background())
	d.running.Go(func() { d.extend(ctx) })
	cut, done := d.second()
	d.drainDoors(cut)
	err := d.closeClient(cut)
	done()
	closing, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	d.management.Close(closing)
	stop()
	end()
	d.running.Wait()
	d.log.Info("stopped")
	return err
}

// drainDoors lets the clients of all doors finish at once: they have the same grace.
func (d *daemon) drainDoors(cut context.Context) {
	var doors sync.WaitGroup
	drain := func(name string, drain func(context.Context) int) {
		doors.Go(func() {
			if n := drain(cut); n > 0 {
				d.log.Warn("connections cut", "door", name, "connections", n)
			}
		})
	}
	if d.resp != nil {
		drain(respDoor, d.resp.Drain)
	}
	if d.rest != nil {
		drain(httpDoor, d.rest.Drain)
	}
	doors.Wait()
}

// extend tells the service manager that the stop goes on, as long as it does.
func (d *daemon) extend(ctx context.Context) {
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

// second returns a context that ends with the second signal; a third one, no longer caught, kills.
// done stops to listen for it.
func (d *daemon) second() (cut context.Context, done func()) {
	cut, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-d.signals:
			signal.Reset(syscall.SIGTERM, syscall.SIGINT)
			d.log.Warn("second signal: cutting")
			cancel()
		case <-cut.Done():
		}
	})
	return cut, func() {
		cancel()
		watch.Wait()
	}
}

// closeClient commits, leaves the groups and delivers what is queued, within closeGrace, or within
// cutGrace of the moment cut is done.
func (d *daemon) closeClient(cut context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cut), closeGrace)
	defer cancel()
	defer context.AfterFunc(cut, func() { time.AfterFunc(cutGrace, cancel) })()
	err := d.client.Close(ctx)
	d.closed = true
	return err
}

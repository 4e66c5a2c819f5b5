package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
	"github.com/sluice-proxy/sluice/server/management"
	"github.com/sluice-proxy/sluice/systemd"
)

// Options are what a daemon needs of its process.
type Options struct {
	Flags   *config.Flags
	Version string
	Out     io.Writer // shows a newcomer what to do next
	Err     io.Writer // the log
	Journal bool      // systemd's journal reads the log
}

// Run opens the doors, serves until a signal or an order, and returns when everything has ended.
func Run(o *Options) error {
	notifier, err := systemd.NewNotifier()
	if err != nil {
		return err
	}
	defer notifier.Close()
	if err = run(o, notifier); err != nil {
		notifier.Failed(err)
	}
	return err
}

func run(o *Options, notifier *systemd.Notifier) error {
	cfg, warnings, err := o.Flags.Load()
	if err != nil {
		return err
	}
	inherited, err := systemd.Inherited(inheritable(cfg)...)
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 && !o.Flags.Embedded {
		return config.Error{Err: config.ErrNoBrokers}
	}
	log := logging.Open(o.Err, o.Journal, cfg.Log)
	defer log.Close()
	logWarnings(log, warnings)

	d := newDaemon(o, cfg, log, notifier)
	defer d.close()
	if err := d.open(inherited); err != nil {
		return err
	}
	if o.Flags.Embedded {
		d.printQuickstart(o.Out)
	}
	return d.serve()
}

// logWarnings logs each warning of the configuration. The log would limit warnings with the same message, such as those
// of several properties.
func logWarnings(log *logging.Log, warnings []config.Warning) {
	config.LogWarnings(log.Unlimited(), warnings)
}

// daemon is the running service. close ends what open opened, in reverse order.
type daemon struct {
	flags    *config.Flags
	version  string
	output   *logging.Log
	log      *slog.Logger // of output
	notifier *systemd.Notifier
	beats    *systemd.Beats
	started  time.Time
	stops    stopRequests
	phase    atomic.Int32
	loops    sync.WaitGroup // all goroutines of the daemon
	current  current
	backend  backend
	doors    doors
}

// stopRequests are the channels of requests to stop or to reload.
type stopRequests struct {
	signals chan os.Signal // SIGTERM, SIGINT
	hangups chan os.Signal // SIGHUP: a channel of its own, so that none fills the place of a request to stop
	drains  chan struct{}  // from the control socket
}

// current is the running configuration, with the result of the last reload.
type current struct {
	mu   sync.Mutex // held during a reload: guards what follows
	cfg  *config.Config
	last atomic.Pointer[management.LastReload] // read without mu
}

// get returns the running configuration. Nobody changes what it points to.
func (c *current) get() *config.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg
}

// The phases of a daemon.
const (
	starting int32 = iota
	serving
	draining
)

func newDaemon(o *Options, cfg *config.Config, output *logging.Log, notifier *systemd.Notifier) *daemon {
	d := &daemon{
		flags: o.Flags, version: o.Version, output: output, log: output.Logger(), notifier: notifier,
		beats: systemd.NewBeats(time.Now), started: time.Now(), current: current{cfg: cfg},
		stops: stopRequests{signals: make(chan os.Signal, 2), hangups: make(chan os.Signal, 1), drains: make(chan struct{}, 1)},
		doors: doors{broken: make(chan error, 1), leaving: newLeaving()},
	}
	d.current.last.Store(&management.LastReload{OK: true, At: d.started})
	signal.Notify(d.stops.signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(d.stops.hangups, syscall.SIGHUP)
	return d
}

// serve serves until it is told to stop or a door breaks. Then it drains.
func (d *daemon) serve() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	d.loops.Go(func() { d.notifier.Watch(ctx, d.beats, d.logStuckLoops) })
	d.serveDoors()
	d.phase.Store(serving)
	d.notifier.Ready(d.statusLine())
	d.loops.Go(func() { d.reportStatus(ctx) })
	d.loops.Go(func() { d.probe(ctx) })
	err := d.awaitStop()
	return errors.Join(err, d.drain(stop))
}

// awaitStop returns when it is time to stop: nil after a request, an error when a door broke.
func (d *daemon) awaitStop() error {
	for {
		select {
		case <-d.stops.hangups:
			_, _ = d.reload(context.Background()) // reload logs its error
		case s := <-d.stops.signals:
			d.log.Info("draining; a second signal cuts", "signal", s.String(), "grace", d.drainGrace().String())
			return nil
		case <-d.stops.drains:
			d.log.Info("draining; a signal cuts", "order", "ctl drain", "grace", d.drainGrace().String())
			return nil
		case err := <-d.doors.broken:
			d.log.Error("a door broke; draining", "err", err)
			return err
		}
	}
}

func (d *daemon) drainGrace() time.Duration { return d.current.get().RESP.Options.DrainGrace }

// logStuckLoops logs the loops that are late, or that all loops move again.
func (d *daemon) logStuckLoops(late []systemd.Age) {
	if len(late) == 0 {
		d.log.Info("every loop moves again")
	}
	for _, a := range late {
		d.log.Error("a loop is stuck", "loop", a.Loop, "for", a.Age.Round(time.Second).String(), "limit", a.Gap.String())
	}
}

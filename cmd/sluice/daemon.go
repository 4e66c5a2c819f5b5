package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/kafka/embedded"
	"github.com/sluice-proxy/sluice/server/management"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
	"github.com/sluice-proxy/sluice/systemd"
)

// daemon is a running sluice: what was opened, in the order of its fields, and ends in reverse.
type daemon struct {
	flags    *configFlags
	service  *serviceLog
	log      *slog.Logger
	notifier *systemd.Notifier
	beats    *systemd.Beats
	started  time.Time
	signals  chan os.Signal // to stop
	hangups  chan os.Signal // to reload; apart, so that none of them takes the place of an order to stop
	orders   chan struct{}  // to drain, from the control socket
	phase    atomic.Int32
	running  sync.WaitGroup // all goroutines but the doors'

	reloads sync.Mutex // held during a reload: guards what follows
	cfg     *Config
	last    atomic.Pointer[management.LastReload]

	state      *stateDir
	broker     *embedded.Broker
	client     *kafka.Client
	closed     bool // the client is
	doors      []*door
	resp       *resp.Server // nil: closed
	rest       *rest.Server // nil: closed
	management *management.Server
}

// The phases of a daemon's life.
const (
	starting int32 = iota
	serving
	draining
)

func newDaemon(flags *configFlags, cfg *Config, log *serviceLog, notifier *systemd.Notifier) *daemon {
	d := &daemon{
		flags: flags, cfg: cfg, service: log, log: log.Logger(), notifier: notifier, beats: systemd.NewBeats(time.Now),
		started: time.Now(), signals: make(chan os.Signal, 2), hangups: make(chan os.Signal, 1), orders: make(chan struct{}, 1),
	}
	d.last.Store(&management.LastReload{OK: true, At: d.started})
	signal.Notify(d.signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(d.hangups, syscall.SIGHUP)
	return d
}

// startTime is how long the service manager must give the start, once it is told so.
const startTime = time.Minute

// start opens everything. After an error, release closes what was opened.
func (d *daemon) start(inherited map[string][]net.Listener) error {
	d.notifier.Extend(startTime)
	if err := d.openState(); err != nil {
		return err
	}
	d.cfg.Kafka.Register = d.beats.Register
	client, err := kafka.Open(d.cfg.Kafka, d.log)
	if err != nil {
		return err
	}
	d.client = client
	return d.openDoors(inherited)
}

// openState takes the state directory and starts the broker inside, where they are asked for.
func (d *daemon) openState() error {
	if d.cfg.StateDir != "" {
		state, err := lockStateDir(d.cfg.StateDir)
		if err != nil {
			return err
		}
		d.state = state
	}
	if !d.flags.Embedded {
		return nil
	}
	broker, err := embedded.Start(embedded.Options{StateDir: d.cfg.StateDir, Log: d.log})
	if err != nil {
		return err
	}
	d.broker = broker
	d.cfg.Kafka.Brokers = []string{broker.Addr()}
	d.log.Info("embedded broker started", "address", broker.Addr(), "state_dir", d.cfg.StateDir)
	return nil
}

// respOptions are the options of the Redis door.
func (d *daemon) respOptions(cfg *Config) resp.Options {
	options := cfg.RESP.Options
	options.Password = cfg.RESP.Password.Reveal()
	options.Version = version
	options.Register = d.beats.Register
	return options
}

// restOptions are the options of the HTTP door. What is true of every client is set once, with the Redis
// door's.
func (d *daemon) restOptions(cfg *Config) rest.Options {
	options, common := cfg.HTTP.Options, cfg.RESP.Options
	options.Password = cfg.RESP.Password.Reveal()
	options.AckTimeout, options.QueueTimeout, options.DrainGrace = common.AckTimeout, common.QueueTimeout, common.DrainGrace
	options.Register = d.beats.Register
	options.Access = d.service.Everything()
	return options
}

// run serves until it is told to stop, or a door breaks, then drains and closes.
func (d *daemon) run() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	d.running.Go(func() { d.notifier.Watch(ctx, d.beats, d.sayLate) })
	broken := make(chan error, len(d.doors))
	d.serveDoors(broken)
	d.phase.Store(serving)
	d.notifier.Ready(d.statusLine())
	d.running.Go(func() { d.tell(ctx) })
	d.running.Go(func() { d.probe(ctx) })
	err := d.await(broken)
	return errors.Join(err, d.drain(stop))
}

// await returns when it is time to stop: nil when somebody asked for it.
func (d *daemon) await(broken <-chan error) error {
	for {
		select {
		case <-d.hangups:
			_, _ = d.reload(context.Background()) // it logs what is wrong
		case s := <-d.signals:
			d.log.Info("draining; a second signal cuts", "signal", s.String(), "grace", d.config().RESP.Options.DrainGrace.String())
			return nil
		case <-d.orders:
			d.log.Info("draining; a signal cuts", "order", "ctl drain", "grace", d.config().RESP.Options.DrainGrace.String())
			return nil
		case err := <-broken:
			d.log.Error("a door broke; draining", "err", err)
			return err
		}
	}
}

// config is the configuration of now.
func (d *daemon) config() *Config {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	return d.cfg
}

// sayLate logs which loops are stuck.
func (d *daemon) sayLate(late []systemd.Age) {
	if len(late) == 0 {
		d.log.Info("every loop moves again")
	}
	for _, a := range late {
		d.log.Error("a loop is stuck", "loop", a.Loop, "for", a.Age.Round(time.Second).String(), "limit", a.Gap.String())
	}
}

// release closes what start opened and drain did not close.
func (d *daemon) release() {
	signal.Stop(d.signals)
	signal.Stop(d.hangups)
	for _, door := range d.doors {
		door.listener.Close()
	}
	if d.client != nil && !d.closed { // start failed: nothing was produced or leased
		ctx, cancel := context.WithTimeout(context.Background(), cutGrace)
		defer cancel()
		_ = d.client.Close(ctx)
	}
	if d.broker != nil {
		d.broker.Close()
	}
	if d.state != nil {
		_ = d.state.Close()
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/kafka/embedded"
	"github.com/sluice-proxy/sluice/server/resp"
)

// How long Kafka's side may take to end: commits, leaving the groups, the last deliveries. An
// operator who signals twice does not want to wait for that either.
const (
	closeGrace = 35 * time.Second
	cutGrace   = 3 * time.Second
)

type serveCommand struct {
	configFlags
}

// Run opens the doors and returns when everything has ended.
func (c *serveCommand) Run(to streams) error {
	cfg, warnings, err := c.load()
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 && !c.Embedded {
		return configError{errors.New("kafka.brokers: none given: use --brokers A,B, kafka.brokers in the file, or --embedded")}
	}
	log := newLogger(to.err, cfg.Log)
	warn(log, warnings)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)

	d := &daemon{cfg: cfg, log: log, signals: signals}
	defer d.release()
	if err := d.start(c.Embedded); err != nil {
		return err
	}
	if c.Embedded {
		d.invite(to)
	}
	return d.run()
}

// daemon is a running sluice: what was opened, in the order of its fields, and ends in reverse.
type daemon struct {
	cfg     *Config
	log     *slog.Logger
	signals <-chan os.Signal

	state  *stateDir
	broker *embedded.Broker
	client *kafka.Client
	resp   *resp.Server
	door   net.Listener
}

// start opens everything. After an error, release closes what was opened.
func (d *daemon) start(embed bool) error {
	if d.cfg.StateDir != "" {
		state, err := lockStateDir(d.cfg.StateDir)
		if err != nil {
			return err
		}
		d.state = state
	}
	if embed {
		broker, err := embedded.Start(embedded.Options{StateDir: d.cfg.StateDir, Log: d.log})
		if err != nil {
			return err
		}
		d.broker = broker
		d.cfg.Kafka.Brokers = []string{broker.Addr()}
		d.log.Info("embedded broker started", "address", broker.Addr(), "state_dir", d.cfg.StateDir)
	}
	client, err := kafka.Open(d.cfg.Kafka, d.log)
	if err != nil {
		return err
	}
	d.client = client
	return d.open()
}

// open starts to listen; connections wait in the kernel until run serves them.
func (d *daemon) open() error {
	if d.cfg.RESP.Address == "" {
		return nil
	}
	door, err := net.Listen("tcp", d.cfg.RESP.Address)
	if err != nil {
		return fmt.Errorf("resp.address: %w", err)
	}
	d.door = door
	d.resp = resp.New(d.client, d.cfg.respOptions(), d.log)
	d.log.Info("redis door open", "address", door.Addr().String())
	d.log.Info("buffered records live in memory until delivered: a kill -9 loses them")
	return nil
}

func (c *Config) respOptions() resp.Options {
	options := c.RESP.Options
	options.Password = c.RESP.Password.Reveal()
	options.Version = version
	return options
}

// run serves until a signal, or until the door breaks, then drains.
func (d *daemon) run() error {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { watchReach(ctx, d.log, d.cfg.Kafka.Brokers, d.client.Unreachable) })
	broken := make(chan error, 1)
	if d.resp != nil {
		running.Go(func() { broken <- d.resp.Serve(d.door) })
	}
	var err error
	select {
	case s := <-d.signals:
		d.log.Info("draining; a second signal cuts", "signal", s.String(), "grace", d.cfg.RESP.Options.DrainGrace.String())
	case err = <-broken:
		d.log.Error("the redis door broke; draining", "err", err)
	}
	stop()
	d.client.Stopping()
	cut, done := d.second()
	defer done()
	if d.resp != nil {
		if n := d.resp.Drain(cut); n > 0 {
			d.log.Warn("connections cut", "connections", n)
		}
	}
	running.Wait() // nobody may use the client any more
	err = errors.Join(err, d.closeClient(cut))
	d.log.Info("stopped")
	return err
}

// second returns a context that ends with the second signal; a third one, no longer caught, kills.
// done stops to listen for it.
func (d *daemon) second() (cut context.Context, done func()) {
	cut, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-d.signals:
			signal.Reset(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
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
	d.client = nil
	return err
}

// release closes what start opened and run did not close.
func (d *daemon) release() {
	if d.client != nil { // start failed: nothing was produced or leased
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

// invite shows a newcomer what to paste next.
func (d *daemon) invite(to streams) {
	if d.door == nil {
		return
	}
	host, port, _ := net.SplitHostPort(d.door.Addr().String())
	cli := "redis-cli -p " + port
	if host != "127.0.0.1" {
		cli = "redis-cli -h " + host + " -p " + port
	}
	fmt.Fprintf(to.out, `sluice is ready. Paste into another terminal:

    %s RPUSHX topics:greetings "Hello there!"
    printf 'CLIENT SETNAME myapp:worker-1\nBLPOP topics:greetings 5\nRPUSH acks greetings:0:0\n' | %s

`, cli, cli)
}

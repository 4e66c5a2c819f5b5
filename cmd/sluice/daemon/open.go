package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/signal"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/kafka/embedded"
)

// openTimeout is how long the service manager is asked to wait for open.
const openTimeout = time.Minute

// backend is Kafka's side: the client, with what `--embedded` adds to it.
type backend struct {
	state  *stateDir        // nil: none
	broker *embedded.Broker // nil: none
	client *kafka.Client
	closed bool // drain has closed the client
}

// open opens everything. After an error, close closes what was opened.
func (d *daemon) open(inherited map[string][]net.Listener) error {
	d.notifier.Extend(openTimeout)
	if err := d.openEmbedded(); err != nil {
		return err
	}
	cfg := d.current.cfg
	cfg.Kafka.Register = d.beats.Register
	client, err := kafka.Open(cfg.Kafka, d.log)
	if err != nil {
		return err
	}
	d.backend.client = client
	return d.openDoors(inherited)
}

// openEmbedded takes the state directory and starts the embedded broker, where the operator wants them.
func (d *daemon) openEmbedded() error {
	cfg := d.current.cfg
	if cfg.StateDir != "" {
		state, err := lockStateDir(cfg.StateDir)
		if err != nil {
			return err
		}
		d.backend.state = state
	}
	if !d.flags.Embedded {
		return nil
	}
	broker, err := embedded.Start(embedded.Options{StateDir: cfg.StateDir, Log: d.log})
	if err != nil {
		return err
	}
	d.backend.broker = broker
	cfg.Kafka.Brokers = []string{broker.Addr()}
	d.log.Info("embedded broker started", "address", broker.Addr(), "state_dir", cfg.StateDir)
	return nil
}

// printQuickstart shows a newcomer what to paste next.
func (d *daemon) printQuickstart(to io.Writer) {
	door := d.doors.first(respDoor)
	if door == nil {
		return
	}
	host, port, _ := net.SplitHostPort(door.listener.Addr().String())
	cli := "redis-cli -p " + port
	if host != "127.0.0.1" {
		cli = "redis-cli -h " + host + " -p " + port
	}
	fmt.Fprintf(to, `sluice is ready. Paste into another terminal:

    %s RPUSHX topics:greetings "Hello there!"
    printf 'CLIENT SETNAME myapp:worker-1\nBLPOP topics:greetings 5\nRPUSH acks greetings:0:0\n' | %s

`, cli, cli)
}

// close closes what open opened and drain did not close.
func (d *daemon) close() {
	signal.Stop(d.stops.signals)
	signal.Stop(d.stops.hangups)
	for _, door := range d.doors.open() {
		door.listener.Close()
	}
	if d.backend.client != nil && !d.backend.closed { // open failed: no record was produced or leased
		ctx, cancel := context.WithTimeout(context.Background(), cutGrace)
		defer cancel()
		_ = d.backend.client.Close(ctx)
	}
	if d.backend.broker != nil {
		d.backend.broker.Close()
	}
	if d.backend.state != nil {
		_ = d.backend.state.Close()
	}
}

package main

import (
	"fmt"
	"net"
	"os"

	"github.com/sluice-proxy/sluice/systemd"
)

type serveCommand struct {
	configFlags
}

// Run opens the doors and returns when everything has ended.
func (c *serveCommand) Run(to streams) error {
	notifier, err := systemd.NewNotifier()
	if err != nil {
		return err
	}
	defer notifier.Close()
	if err = c.serve(to, notifier); err != nil {
		notifier.Failed(err)
	}
	return err
}

func (c *serveCommand) serve(to streams, notifier *systemd.Notifier) error {
	inherited, err := systemd.Inherited(doorNames...)
	if err != nil {
		return err
	}
	cfg, warnings, err := c.load()
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 && !c.Embedded {
		return configError{errNoBrokers}
	}
	log := openLog(to.err, systemd.JournalStream(os.Stderr), cfg.Log)
	defer log.Close()
	log.warn(warnings)

	d := newDaemon(&c.configFlags, cfg, log, notifier)
	defer d.release()
	if err := d.start(inherited); err != nil {
		return err
	}
	if c.Embedded {
		d.invite(to)
	}
	return d.run()
}

// invite shows a newcomer what to paste next.
func (d *daemon) invite(to streams) {
	door := d.open(respDoor)
	if door == nil {
		return
	}
	host, port, _ := net.SplitHostPort(door.listener.Addr().String())
	cli := "redis-cli -p " + port
	if host != "127.0.0.1" {
		cli = "redis-cli -h " + host + " -p " + port
	}
	fmt.Fprintf(to.out, `sluice is ready. Paste into another terminal:

    %s RPUSHX topics:greetings "Hello there!"
    printf 'CLIENT SETNAME myapp:worker-1\nBLPOP topics:greetings 5\nRPUSH acks greetings:0:0\n' | %s

`, cli, cli)
}

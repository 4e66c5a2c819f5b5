package main

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

// errStopping is the answer to orders that come too late.
var errStopping = errors.New("sluice is stopping")

// reload reads the configuration again. What is wrong with it changes nothing.
func (d *daemon) reload(context.Context) (management.Reloaded, error) {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	if d.phase.Load() != serving {
		return management.Reloaded{}, errStopping
	}
	d.notifier.Reloading()
	done, err := d.apply()
	d.last.Store(outcome(err))
	if err != nil {
		d.log.Error("not reloaded, the old configuration goes on", "err", err)
	} else {
		d.log.Info("reloaded", "changed", done.Changed, "needs_restart", done.Restart)
	}
	d.notifier.Ready(d.statusLine())
	return done, err
}

// apply reads the files and puts what can change while sluice runs in force.
func (d *daemon) apply() (management.Reloaded, error) {
	r, err := d.flags.reload(d.cfg)
	if err != nil {
		return management.Reloaded{}, err
	}
	d.service.warn(r.warnings)
	r.config.Kafka.Register = d.beats.Register
	unchanged, err := d.client.Reconfigure(r.config.Kafka)
	if err != nil {
		return management.Reloaded{}, err
	}
	r.postpone(unchanged)
	if d.resp != nil {
		d.resp.Reconfigure(d.respOptions(r.config))
	}
	if d.rest != nil {
		d.rest.Reconfigure(d.restOptions(r.config))
	}
	d.service.Configure(r.config.Log)
	d.cfg = r.config
	return r.report(), nil
}

// outcome is how a reload ended.
func outcome(err error) *management.LastReload {
	last := &management.LastReload{OK: err == nil, At: time.Now()}
	if err != nil {
		last.Error = err.Error()
	}
	return last
}

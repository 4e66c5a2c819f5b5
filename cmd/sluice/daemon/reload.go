package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

// errStopping answers a reload outside of the serving phase.
var errStopping = errors.New("sluice is stopping")

// reload reads the configuration again and applies it. A wrong configuration changes nothing.
func (d *daemon) reload(context.Context) (management.Reloaded, error) {
	d.current.mu.Lock()
	defer d.current.mu.Unlock()
	if d.phase.Load() != serving {
		return management.Reloaded{}, errStopping
	}
	d.notifier.Reloading()
	done, err := d.applyReload()
	d.current.last.Store(lastReload(err))
	if err != nil {
		d.log.Error("not reloaded, the old configuration goes on", "err", err)
	} else {
		d.log.Info("reloaded", "changed", done.Changed, "needs_restart", done.Restart)
	}
	d.notifier.Ready(d.statusLine())
	return done, err
}

// applyReload reads the files and applies what can change while the daemon runs. The caller holds current.mu.
func (d *daemon) applyReload() (management.Reloaded, error) {
	r, err := d.flags.Reload(d.current.cfg)
	if err != nil {
		return management.Reloaded{}, err
	}
	opened, err := d.listenHTTP(r)
	if err != nil {
		return management.Reloaded{}, err
	}
	logWarnings(d.output, r.Warnings)
	r.Config.Kafka.Register = d.beats.Register
	unchanged, err := d.backend.client.Reconfigure(r.Config.Kafka)
	if err != nil {
		if opened != nil {
			opened.Close()
		}
		return management.Reloaded{}, err
	}
	r.Postpone(unchanged)
	if d.doors.resp != nil {
		d.doors.resp.Reconfigure(d.respOptions(r.Config))
	}
	if door := d.doors.http(); door != nil {
		door.Reconfigure(d.restOptions(r.Config))
	}
	d.switchHTTP(r.Config, opened)
	d.output.Configure(r.Config.Log)
	d.current.cfg = r.Config
	return r.Report(), nil
}

func lastReload(err error) *management.LastReload {
	last := &management.LastReload{OK: err == nil, At: time.Now()}
	if err != nil {
		last.Error = err.Error()
	}
	return last
}

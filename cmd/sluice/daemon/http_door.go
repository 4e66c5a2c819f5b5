package daemon

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/server/rest"
)

// listenHTTP opens the address that a reload gives the HTTP door. It returns nil when there is nothing to open. If systemd
// has opened the door, the address counts after a restart at the earliest.
func (d *daemon) listenHTTP(r *config.Reload) (net.Listener, error) {
	address := r.Config.HTTP.Address
	if address == d.current.cfg.HTTP.Address {
		return nil, nil
	}
	if now := d.doors.first(httpDoor); now != nil && now.inherited {
		r.Postpone([]string{"http.address"})
		return nil, nil
	}
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, config.Error{Err: fmt.Errorf("http.address: %w", err)}
	}
	return l, nil
}

// switchHTTP opens the HTTP door, moves it to another listener, or closes it. opened is nil when there is no other listener.
func (d *daemon) switchHTTP(cfg *config.Config, opened net.Listener) {
	now := d.doors.first(httpDoor)
	switch {
	case opened != nil:
		d.openHTTP(cfg, opened)
		if now != nil {
			d.doors.remove(now).Leave(now.listener)
			d.log.Info("door closed", "door", httpDoor, "address", now.listener.Addr().String())
		}
	case now != nil && !now.inherited && cfg.HTTP.Address == "":
		d.closeHTTP(now)
	}
}

// openHTTP serves the HTTP door on a listener. An open door has a server already, which keeps its consumer instances, leases
// and connections.
func (d *daemon) openHTTP(cfg *config.Config, l net.Listener) {
	server := d.doors.http()
	if server == nil {
		server = rest.New(d.backend.client, d.restOptions(cfg), d.log)
	}
	opened := &door{name: httpDoor, listener: l, serve: server.Serve}
	d.doors.addHTTP(opened, server)
	d.serveDoor(opened)
}

// closeHTTP closes the HTTP door. Its clients may finish, as they may when sluice stops.
func (d *daemon) closeHTTP(now *door) {
	server := d.doors.remove(now)
	d.doors.leaving.begin(func(cut context.Context) {
		if n := server.Drain(cut); n > 0 {
			d.log.Warn("connections cut", "door", httpDoor, "connections", n)
		}
		d.log.Info("door closed", "door", httpDoor, "address", now.listener.Addr().String())
	})
}

// addHTTP notes an open HTTP door and its server.
func (d *doors) addHTTP(opened *door, server *rest.Server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all, d.rest = append(d.all, opened), server
}

// remove forgets an HTTP door, and its server with the last one. It returns the server.
func (d *doors) remove(closed *door) *rest.Server {
	d.mu.Lock()
	defer d.mu.Unlock()
	server := d.rest
	d.all = slices.DeleteFunc(d.all, func(one *door) bool { return one == closed })
	if !slices.ContainsFunc(d.all, func(one *door) bool { return one.name == httpDoor }) {
		d.rest = nil
	}
	return server
}

// leaving are the drains of doors that reloads have closed.
type leaving struct {
	drains sync.WaitGroup
	cut    context.Context // ends when their clients must go at once: the drains outlive their reloads
	end    context.CancelFunc
}

func newLeaving() leaving {
	cut, end := context.WithCancel(context.Background())
	return leaving{cut: cut, end: end}
}

// begin runs a drain.
func (l *leaving) begin(drain func(cut context.Context)) { l.drains.Go(func() { drain(l.cut) }) }

// wait returns when all drains have ended. When cut ends they cut their clients.
func (l *leaving) wait(cut context.Context) {
	defer context.AfterFunc(cut, l.end)()
	l.drains.Wait()
}

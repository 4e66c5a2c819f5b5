package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/management"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// The doors, by the FileDescriptorName= of their socket units.
const (
	respDoor       = "resp"
	httpDoor       = "http"
	managementDoor = "management"
	controlDoor    = "control"
)

// doorNames are those that systemd may open.
var doorNames = []string{respDoor, httpDoor, managementDoor}

// door is a listener, and whether systemd opened it.
type door struct {
	name      string
	listener  net.Listener
	inherited bool
	serve     func(net.Listener) error
}

// openDoors starts to listen where systemd does not already; connections wait in the kernel until
// serveDoors.
func (d *daemon) openDoors(inherited map[string][]net.Listener) error {
	for name, listeners := range inherited { // whatever fails below, release closes them
		for _, l := range listeners {
			d.doors = append(d.doors, &door{name: name, listener: l, inherited: true})
		}
	}
	for _, wanted := range []struct{ name, address string }{
		{respDoor, d.cfg.RESP.Address},
		{httpDoor, d.cfg.HTTP.Address},
		{managementDoor, d.cfg.Management.Address},
	} {
		if wanted.address == "" || len(inherited[wanted.name]) > 0 {
			continue
		}
		l, err := net.Listen("tcp", wanted.address)
		if err != nil {
			return fmt.Errorf("%s.address: %w", wanted.name, err)
		}
		d.doors = append(d.doors, &door{name: wanted.name, listener: l})
	}
	if path := d.cfg.controlPath(); path != "" {
		l, err := listenControl(path)
		if err != nil {
			return err
		}
		d.doors = append(d.doors, &door{name: controlDoor, listener: l})
	}
	return d.assign()
}

// assign gives each door its server.
func (d *daemon) assign() error {
	if d.open(respDoor) != nil {
		d.resp = resp.New(d.client, d.respOptions(d.cfg), d.log)
	}
	if d.open(httpDoor) != nil {
		d.rest = rest.New(d.client, d.restOptions(d.cfg), d.log)
	}
	d.management = management.New(d.sources(), d.log)
	for _, door := range d.doors {
		switch door.name {
		case respDoor:
			door.serve = d.serveRESP
		case httpDoor:
			door.serve = d.rest.Serve
		case managementDoor:
			door.serve = d.management.Serve
		case controlDoor:
			door.serve = d.management.ServeControl
		}
		if err := d.acceptable(door); err != nil {
			return err
		}
	}
	return nil
}

// acceptable checks a socket that systemd opened, as the configuration's addresses are checked.
func (d *daemon) acceptable(door *door) error {
	if !door.inherited {
		return nil
	}
	at := door.listener.Addr()
	if _, isTCP := door.listener.(*net.TCPListener); !isTCP {
		return fmt.Errorf("the %s socket that systemd opened is %s, not TCP", door.name, at.Network())
	}
	if err := validateListener(at.String(), d.cfg.Insecure); err != nil {
		return configError{fmt.Errorf("the %s socket that systemd opened: %w", door.name, err)}
	}
	return nil
}

func (d *daemon) serveRESP(l net.Listener) error { return d.resp.Serve(l.(*net.TCPListener)) } //nolint:forcetypeassert // see assign

// open is the first open door of that name, nil for none.
func (d *daemon) open(name string) *door {
	for _, door := range d.doors {
		if door.name == name {
			return door
		}
	}
	return nil
}

// serveDoors lets connections in. A door that ends before it is closed is broken.
func (d *daemon) serveDoors(broken chan<- error) {
	for _, door := range d.doors {
		d.log.Info("door open", "door", door.name, "address", door.listener.Addr().String(), "inherited", door.inherited)
		d.running.Go(func() {
			if err := door.serve(door.listener); err != nil {
				broken <- fmt.Errorf("%s: %w", door.name, err)
			}
		})
	}
	if d.resp != nil || d.rest != nil {
		d.log.Info("buffered records live in memory until delivered: a kill -9 loses them")
	}
}

// sources are what the management door tells about.
func (d *daemon) sources() management.Sources {
	return management.Sources{
		Kafka: d.client, RESP: d.resp, REST: d.rest,
		NotReady: d.notReady, Reload: d.reload, LastReload: func() management.LastReload { return *d.last.Load() },
		Drain: d.order, Beats: d.ages, Register: d.beats.Register, Listeners: d.listeners, LogsDropped: d.service.Dropped,
		Build:   management.Build{Version: version, Go: runtime.Version(), Librdkafka: kafka.Version()},
		Started: d.started, Hosts: d.cfg.Management.Hosts, Pprof: d.cfg.Management.Pprof,
	}
}

// notReady says why clients should go elsewhere.
func (d *daemon) notReady() []string {
	switch d.phase.Load() {
	case starting:
		return []string{"starting"}
	case draining:
		return []string{"draining"}
	}
	switch err := d.client.Reach(); {
	case err == nil:
		return nil
	case errors.Is(err, kafka.ErrNotAsked):
		return []string{err.Error()}
	default:
		return []string{"no broker answers: " + err.Error()}
	}
}

// order begins a drain.
func (d *daemon) order() {
	select {
	case d.orders <- struct{}{}:
	default:
	}
}

func (d *daemon) ages() []management.Beat {
	var beats []management.Beat
	for _, a := range d.beats.Ages() {
		beats = append(beats, management.Beat{Loop: a.Loop, Age: a.Age, Gap: a.Gap})
	}
	return beats
}

func (d *daemon) listeners() []management.Listener {
	var list []management.Listener
	for _, door := range d.doors {
		list = append(list, management.Listener{Name: door.name, Address: door.listener.Addr().String(), Inherited: door.inherited})
	}
	return list
}

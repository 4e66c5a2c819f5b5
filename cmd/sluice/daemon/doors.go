package daemon

import (
	"fmt"
	"net"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/server/management"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// The names of the doors. Socket units have them as FileDescriptorName=.
const (
	respDoor       = "resp"
	httpDoor       = "http"
	managementDoor = "management"
	controlDoor    = "control"
)

// inheritable are the doors that systemd may open.
var inheritable = []string{respDoor, httpDoor, managementDoor}

// door is a listener with the server behind it.
type door struct {
	name      string
	listener  net.Listener
	inherited bool // systemd opened the listener
	serve     func(net.Listener) error
}

// doors are the open doors with their servers.
type doors struct {
	all        []*door
	resp       *resp.Server // nil: closed
	rest       *rest.Server // nil: closed
	management *management.Server
}

// first returns the first open door of a name, nil for none.
func (d *doors) first(name string) *door {
	for _, door := range d.all {
		if door.name == name {
			return door
		}
	}
	return nil
}

// listeners are the doors as the management door shows them.
func (d *doors) listeners() []management.Listener {
	var list []management.Listener
	for _, door := range d.all {
		list = append(list, management.Listener{Name: door.name, Address: door.listener.Addr().String(), Inherited: door.inherited})
	}
	return list
}

// openDoors opens the listeners that systemd did not open. Connections wait in the kernel until serveDoors.
func (d *daemon) openDoors(inherited map[string][]net.Listener) error {
	for name, listeners := range inherited { // first, so that close closes them after any error
		for _, l := range listeners {
			d.doors.all = append(d.doors.all, &door{name: name, listener: l, inherited: true})
		}
	}
	cfg := d.current.cfg
	for _, wanted := range []struct{ name, address string }{
		{respDoor, cfg.RESP.Address},
		{httpDoor, cfg.HTTP.Address},
		{managementDoor, cfg.Management.Address},
	} {
		if wanted.address == "" || len(inherited[wanted.name]) > 0 {
			continue
		}
		l, err := net.Listen("tcp", wanted.address)
		if err != nil {
			return fmt.Errorf("%s.address: %w", wanted.name, err)
		}
		d.doors.all = append(d.doors.all, &door{name: wanted.name, listener: l})
	}
	if path := cfg.ControlPath(); path != "" {
		l, err := listenControl(path)
		if err != nil {
			return err
		}
		d.doors.all = append(d.doors.all, &door{name: controlDoor, listener: l})
	}
	return d.makeServers()
}

// makeServers makes the servers and gives each door its own.
func (d *daemon) makeServers() error {
	if d.doors.first(respDoor) != nil {
		d.doors.resp = resp.New(d.backend.client, d.respOptions(d.current.cfg), d.log)
	}
	if d.doors.first(httpDoor) != nil {
		d.doors.rest = rest.New(d.backend.client, d.restOptions(d.current.cfg), d.log)
	}
	d.doors.management = management.New(d.sources(), d.log)
	for _, door := range d.doors.all {
		switch door.name {
		case respDoor:
			door.serve = d.serveRESP
		case httpDoor:
			door.serve = d.doors.rest.Serve
		case managementDoor:
			door.serve = d.doors.management.Serve
		case controlDoor:
			door.serve = d.doors.management.ServeControl
		}
		if err := d.validateInherited(door); err != nil {
			return err
		}
	}
	return nil
}

// validateInherited checks a socket that systemd opened with the rules for addresses of the configuration.
func (d *daemon) validateInherited(door *door) error {
	if !door.inherited {
		return nil
	}
	at := door.listener.Addr()
	if _, isTCP := door.listener.(*net.TCPListener); !isTCP {
		return fmt.Errorf("the %s socket that systemd opened is %s, not TCP", door.name, at.Network())
	}
	if err := config.ValidateListener(at.String(), d.current.cfg.Insecure); err != nil {
		return config.Error{Err: fmt.Errorf("the %s socket that systemd opened: %w", door.name, err)}
	}
	return nil
}

func (d *daemon) serveRESP(l net.Listener) error { return d.doors.resp.Serve(l.(*net.TCPListener)) } //nolint:forcetypeassert // see validateInherited

// serveDoors accepts connections. A door that ends before it is closed is broken.
func (d *daemon) serveDoors(broken chan<- error) {
	for _, door := range d.doors.all {
		d.log.Info("door open", "door", door.name, "address", door.listener.Addr().String(), "inherited", door.inherited)
		d.loops.Go(func() {
			if err := door.serve(door.listener); err != nil {
				broken <- fmt.Errorf("%s: %w", door.name, err)
			}
		})
	}
	if d.doors.resp != nil || d.doors.rest != nil {
		d.log.Info("buffered records live in memory until delivered: a kill -9 loses them")
	}
}

// respOptions are the options of the Redis door.
func (d *daemon) respOptions(cfg *config.Config) resp.Options {
	options := cfg.RESP.Options
	options.Password = cfg.Users.Password.Reveal()
	options.Version = d.version
	options.Register = d.beats.Register
	return options
}

// restOptions are the options of the HTTP door. It shares some with the Redis door.
func (d *daemon) restOptions(cfg *config.Config) rest.Options {
	options, shared := cfg.HTTP.Options, cfg.RESP.Options
	options.Password = cfg.Users.Password.Reveal()
	options.QueueTimeout, options.DrainGrace = shared.QueueTimeout, shared.DrainGrace
	options.Register = d.beats.Register
	options.Stuck, options.NotReady = d.stuck, d.notReady
	options.Access = d.output.Unlimited()
	return options
}

package daemon

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

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

// inheritable are the listeners that systemd may open.
func inheritable(cfg *config.Config) []string {
	return append([]string{respDoor, httpDoor, managementDoor}, slices.Sorted(maps.Keys(cfg.RESP.Listeners))...)
}

// door is a listener with the server behind it.
type door struct {
	name      string
	listener  net.Listener
	inherited bool // systemd opened the listener
	serve     func(net.Listener) error
}

// isRESP tells the Redis door and its further listeners, whose names the configuration has.
func (d *door) isRESP() bool {
	return d.name != httpDoor && d.name != managementDoor && d.name != controlDoor
}

// doors are the open doors with their servers.
type doors struct {
	resp       *resp.Server // nil: closed
	management *management.Server
	broken     chan error // has the error of a door that ended by itself

	mu   sync.Mutex // guards what follows: a reload opens and closes the HTTP door
	all  []*door
	rest *rest.Server // nil: closed

	leaving leaving
}

// open returns the open doors.
func (d *doors) open() []*door {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.all)
}

// http returns the server of the HTTP door, nil when the door is closed.
func (d *doors) http() *rest.Server {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rest
}

// add notes an open door.
func (d *doors) add(opened *door) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, opened)
}

// first returns the first open door of a name, nil for none.
func (d *doors) first(name string) *door {
	for _, door := range d.open() {
		if door.name == name {
			return door
		}
	}
	return nil
}

// listeners are the doors as the management door shows them.
func (d *doors) listeners() []management.Listener {
	var list []management.Listener
	for _, door := range d.open() {
		list = append(list, management.Listener{Name: door.name, Address: door.listener.Addr().String(), Inherited: door.inherited})
	}
	return list
}

// openDoors opens the listeners that systemd did not open. Connections wait in the kernel until serveDoors.
func (d *daemon) openDoors(inherited map[string][]net.Listener) error {
	for name, listeners := range inherited { // first, so that close closes them after any error
		for _, l := range listeners {
			d.doors.add(&door{name: name, listener: l, inherited: true})
		}
	}
	for _, wanted := range addresses(d.current.cfg) {
		if len(inherited[wanted.door]) > 0 {
			continue
		}
		if wanted.address == "" {
			if wanted.needed {
				return config.Error{Err: fmt.Errorf("%s: none is given, and systemd has opened no socket with FileDescriptorName=%s", wanted.setting, wanted.door)}
			}
			continue
		}
		l, err := listen(wanted.address)
		if err != nil {
			return fmt.Errorf("%s: %w", wanted.setting, err)
		}
		d.doors.add(&door{name: wanted.door, listener: l})
	}
	return d.makeServers()
}

// address is where a door is to be opened.
type address struct {
	door, setting, address string
	needed                 bool // without an address it must be inherited
}

func addresses(cfg *config.Config) []address {
	all := []address{
		{respDoor, "resp.address", cfg.RESP.Address, false},
		{httpDoor, "http.address", cfg.HTTP.Address, false},
		{managementDoor, "management.address", cfg.Management.Address, false},
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.RESP.Listeners)) {
		all = append(all, address{name, "resp.listeners." + name + ".address", cfg.RESP.Listeners[name].Address, true})
	}
	if path := cfg.ControlPath(); path != "" {
		all = append(all, address{controlDoor, "management.control", "unix:" + path, false})
	}
	return all
}

func listen(address string) (net.Listener, error) {
	if path, is := config.UnixPath(address); is {
		return listenUnix(path)
	}
	return net.Listen("tcp", address)
}

// makeServers makes the servers and gives each door its own.
func (d *daemon) makeServers() error {
	cfg := d.current.cfg
	if d.doors.first(httpDoor) != nil {
		d.doors.rest = rest.New(d.backend.client, d.restOptions(cfg), d.log)
	}
	if slices.ContainsFunc(d.doors.open(), (*door).isRESP) {
		d.doors.resp = resp.New(d.backend.client, d.respOptions(cfg), d.log)
	}
	d.doors.management = management.New(d.sources(), d.log)
	for _, door := range d.doors.open() {
		switch door.name {
		case httpDoor:
			door.serve = d.doors.rest.Serve
		case managementDoor:
			door.serve = d.doors.management.Serve
		case controlDoor:
			door.serve = d.doors.management.ServeControl
		default:
			options := cfg.RESP.Listeners[door.name].ListenerOptions // none for the door itself
			door.serve = func(l net.Listener) error { return d.doors.resp.Serve(l, options) }
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
	if _, further := d.current.cfg.RESP.Listeners[door.name]; further && at.Network() == "unix" {
		return nil
	}
	if at.Network() != "tcp" {
		return fmt.Errorf("the %s socket that systemd opened is %s, not TCP", door.name, at.Network())
	}
	if err := config.ValidateListener(at.String(), d.current.cfg.Insecure); err != nil {
		return config.Error{Err: fmt.Errorf("the %s socket that systemd opened: %w", door.name, err)}
	}
	return nil
}

// serveDoors accepts connections.
func (d *daemon) serveDoors() {
	for _, door := range d.doors.open() {
		d.serveDoor(door)
	}
	if d.doors.resp != nil || d.doors.http() != nil {
		d.log.Info("buffered records live in memory until delivered: a kill -9 loses them")
	}
}

// serveDoor accepts connections of a door. A door that ends before it is closed is broken.
func (d *daemon) serveDoor(door *door) {
	d.log.Info("door open", "door", door.name, "address", door.listener.Addr().String(), "inherited", door.inherited)
	d.loops.Go(func() {
		if err := door.serve(door.listener); err != nil {
			select {
			case d.doors.broken <- fmt.Errorf("%s: %w", door.name, err):
			default: // one is enough to stop
			}
		}
	})
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

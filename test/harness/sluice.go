package harness

import (
	"context"
	"net"
	"os"
	"strings"
)

// SluiceOptions say how to run the proxy.
type SluiceOptions struct {
	// Binary is the path of the built proxy, see Build.
	Binary string
	// Brokers are the bootstrap addresses; none means --embedded.
	Brokers []string
	// Addr is where the RESP door opens; empty means a free loopback port.
	Addr string
	// HTTP is where the HTTP door opens; empty means that it stays closed.
	HTTP string
	// HTTPInFile leaves the HTTP door to the configuration file, so that a reload may change it.
	HTTPInFile bool
	// Management is where the management door opens; empty means that it stays closed.
	Management string
	// Args are further flags of `sluice serve`.
	Args []string
	// Env are further variables of its environment, NAME=value.
	Env []string
	// Inherit are sockets that the caller opened for the proxy, as a systemd socket unit does; they
	// stay the caller's, and connections wait in them while no proxy runs. The one named "resp" must
	// listen at Addr, the one named "management" at Management.
	Inherit []Inherited
}

// Inherited is a listening socket under the name that its unit would give it (FileDescriptorName=).
type Inherited struct {
	Name     string
	Listener FileListener
}

// FileListener is a listener of TCP or of a unix socket.
type FileListener interface {
	net.Listener
	File() (*os.File, error)
}

// Sluice is one running proxy.
type Sluice struct {
	*Process
	// Addr is its RESP door, host:port.
	Addr string
	// HTTP is its HTTP door, host:port; empty when it is closed.
	HTTP string
	// Management is its management door, host:port; empty when it is closed.
	Management string

	options SluiceOptions
}

// StartSluice starts the proxy and returns when its RESP door accepts connections.
func StartSluice(ctx context.Context, o SluiceOptions) (*Sluice, error) {
	if o.Addr == "" {
		addr, err := FreeAddr()
		if err != nil {
			return nil, err
		}
		o.Addr = addr
	}
	p, err := o.start()
	if err != nil {
		return nil, err
	}
	err = p.ready(ctx, func(ctx context.Context) error { return Accepts(ctx, o.Addr) })
	if err != nil {
		_ = p.Kill()
		return nil, err
	}
	return &Sluice{Process: p, Addr: o.Addr, HTTP: o.HTTP, Management: o.Management, options: o}, nil
}

func (o *SluiceOptions) start() (*Process, error) {
	if len(o.Env)+len(o.Inherit) == 0 {
		return start(o.Binary, o.arguments()...)
	}
	return startService(o.Env, o.Inherit, o.Binary, o.arguments()...)
}

// arguments closes the doors that no test here uses, so that many proxies fit on one machine.
func (o *SluiceOptions) arguments() []string {
	args := []string{"serve", "--resp", o.Addr, "--management", o.Management}
	if !o.HTTPInFile {
		args = append(args, "--http", o.HTTP)
	}
	if len(o.Brokers) == 0 {
		args = append(args, "--embedded")
	} else {
		args = append(args, "--brokers", strings.Join(o.Brokers, ","))
	}
	return append(args, o.Args...)
}

// Restart kills the proxy (SIGKILL) and starts it again at the same address.
func (s *Sluice) Restart(ctx context.Context) (*Sluice, error) {
	if err := s.Kill(); err != nil {
		return nil, err
	}
	return StartSluice(ctx, s.options)
}

// Close ends the proxy at once; tests that care how it ends call Stop.
func (s *Sluice) Close() error { return s.Kill() }

package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// validateListeners checks the addresses of the doors. It refuses an address that other machines can reach, unless the
// operator allows it: there is no TLS, so that passwords would cross the network in the clear.
func (c *Config) validateListeners() error {
	type door struct{ name, address string }
	doors := []door{
		{"resp.address", c.RESP.Address},
		{"http.address", c.HTTP.Address},
		{"management.address", c.Management.Address},
	}
	for _, name := range slices.Sorted(maps.Keys(c.RESP.Listeners)) {
		doors = append(doors, door{"resp.listeners." + name + ".address", c.RESP.Listeners[name].Address})
	}
	var errs []error
	taken := map[string]string{}
	for _, door := range doors {
		if door.address == "" { // closed, or systemd opens it
			continue
		}
		if _, is := UnixPath(door.address); is && !strings.HasPrefix(door.name, "resp.listeners.") {
			errs = append(errs, fmt.Errorf("%s: a unix socket is one of resp.listeners", door.name))
			continue
		}
		if err := ValidateListener(door.address, c.Insecure); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", door.name, err))
		}
		if other, found := taken[door.address]; found && !anyPort(door.address) {
			errs = append(errs, fmt.Errorf("%s: %s is already %s", door.name, door.address, other))
		}
		taken[door.address] = door.name
	}
	return errors.Join(errs...)
}

// UnixPath is the path of an address that is a unix socket.
func UnixPath(address string) (path string, is bool) { return strings.CutPrefix(address, "unix:") }

// maxUnixPath is how long the path of a unix socket may be, in bytes (unix(7), sun_path).
const maxUnixPath = 107

// ValidateListener checks the address of a door. insecure allows addresses that other machines can reach.
func ValidateListener(address string, insecure bool) error {
	if path, is := UnixPath(address); is {
		if !filepath.IsAbs(path) || len(path) > maxUnixPath {
			return fmt.Errorf("%q: a unix socket has an absolute path of at most %d bytes, such as unix:/run/sluice/resp.sock", address, maxUnixPath)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:6380", address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q: %q is not a port", address, port)
	}
	if insecure || !exposed(address) {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and sluice has neither TLS nor users yet: "+
		"give a loopback address such as 127.0.0.1:%s, or allow it with \"insecure: true\" in the configuration file",
		address, port)
}

// exposed reports whether other machines can reach a listener at address. Host names count as exposed, since their
// addresses may change after the check; localhost does not.
func exposed(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return err != nil
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.Unmap().IsLoopback()
}

func anyPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "0"
}

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// validateListeners checks the addresses of the doors. It refuses an address that other machines can reach, unless the
// operator allows it: there is no TLS, so that passwords would cross the network in the clear.
func (c *Config) validateListeners() error {
	doors := []struct{ name, address string }{
		{"resp.address", c.RESP.Address},
		{"http.address", c.HTTP.Address},
		{"management.address", c.Management.Address},
	}
	var errs []error
	taken := map[string]string{}
	for _, door := range doors {
		if door.address == "" { // closed
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

// ValidateListener checks the address of a door. insecure allows addresses that other machines can reach.
func ValidateListener(address string, insecure bool) error {
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

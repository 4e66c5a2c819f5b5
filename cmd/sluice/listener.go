package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// validateListeners checks where the doors would open. Without TLS and users, a door that other
// machines reach is refused until the operator spells out that it is meant: a password alone would
// cross the network in the clear.
func (c *Config) validateListeners() error {
	doors := []struct{ name, address string }{
		{"resp.address", c.RESP.Address},
		{"http.address", c.HTTP.Address},
		{"management.address", c.Management.Address},
	}
	var faults []error
	taken := map[string]string{}
	for _, door := range doors {
		if door.address == "" { // closed
			continue
		}
		if err := validateListener(door.address, c.Insecure); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", door.name, err))
		}
		if other, found := taken[door.address]; found && !anyPort(door.address) {
			faults = append(faults, fmt.Errorf("%s: %s is already %s", door.name, door.address, other))
		}
		taken[door.address] = door.name
	}
	return errors.Join(faults...)
}

func validateListener(address string, insecure bool) error {
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

// exposed reports whether other machines may reach a listener at address. Of names only localhost
// is trusted: what any other one stands for may change after the check.
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

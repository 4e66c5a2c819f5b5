package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// autoControl lets sluice choose where its control socket goes.
	autoControl = "auto"
	controlName = "sluice.sock"
	// maxSocketPath is what fits into sockaddr_un, see unix(7).
	maxSocketPath = 107
)

// socketPath reads where the control socket goes.
func socketPath(to *string) kind {
	return scalar(to, `auto, path, ""`, showText, func(given string) error {
		if len(given) > maxSocketPath {
			return fmt.Errorf("%q is longer than the %d bytes that a socket's path may have", given, maxSocketPath)
		}
		*to = given
		return nil
	})
}

// controlPath is where the control socket goes, "" for nowhere. RUNTIME_DIRECTORY is systemd's: see
// RuntimeDirectory= in systemd.exec(5).
func (c *Config) controlPath() string {
	if c.Management.Control != autoControl {
		return c.Management.Control
	}
	runtime, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	for _, dir := range []string{runtime, c.StateDir} {
		if path := filepath.Join(dir, controlName); dir != "" && len(path) <= maxSocketPath {
			return path
		}
	}
	return ""
}

// listenControl opens the control socket for the user and group of the process alone. A socket that
// nobody answers on any more is in the way of nobody.
func listenControl(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("management.control: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("management.control: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("management.control: %w", err)
	}
	return l, nil
}

// removeStale removes a socket that a killed process left, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there already, and is not a socket", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s is in use by another sluice", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

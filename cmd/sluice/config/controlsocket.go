package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// autoControl lets sluice choose the path of its control socket.
	autoControl = "auto"
	// SocketName is the file name of a control socket whose path sluice chose.
	SocketName = "sluice.sock"
	// maxSocketPath is the length, in bytes, that fits into sockaddr_un: see unix(7).
	maxSocketPath = 107
)

// socketPath reads the path of the control socket.
func socketPath(to *string) kind {
	return scalar(to, `auto, path, ""`, showText, func(given string) error {
		if len(given) > maxSocketPath {
			return fmt.Errorf("%q is longer than the %d bytes that a socket's path may have", given, maxSocketPath)
		}
		*to = given
		return nil
	})
}

// ControlPath returns the path of the control socket, "" for none. systemd sets RUNTIME_DIRECTORY: see
// RuntimeDirectory= in systemd.exec(5).
func (c *Config) ControlPath() string {
	if c.Management.Control != autoControl {
		return c.Management.Control
	}
	runtime, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	for _, dir := range []string{runtime, c.StateDir} {
		if path := filepath.Join(dir, SocketName); dir != "" && len(path) <= maxSocketPath {
			return path
		}
	}
	return ""
}

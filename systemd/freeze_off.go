//go:build !freeze

package systemd

// freeze stops nobody: see freeze.go.
func freeze(string) {}

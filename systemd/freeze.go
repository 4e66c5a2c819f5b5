//go:build freeze

package systemd

import (
	"os"
	"os/signal"
	"syscall"
)

// A binary built with -tags freeze lets a test stop a loop from the inside: the one that SLUICE_FREEZE
// names, at its next beat after SIGUSR2, for ever.
var (
	victim  = os.Getenv("SLUICE_FREEZE")
	freezer = make(chan os.Signal, 1)
)

func init() {
	if victim != "" {
		signal.Notify(freezer, syscall.SIGUSR2)
	}
}

func freeze(loop string) {
	if loop != victim {
		return
	}
	select {
	case <-freezer:
		select {}
	default:
	}
}

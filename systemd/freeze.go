//go:build freeze

package systemd

import (
	"os"
	"os/signal"
	"syscall"
)

// A binary with -tags freeze lets a test stop a loop. SLUICE_FREEZE names the loop. It stops for good at its first beat
// after SIGUSR2.
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

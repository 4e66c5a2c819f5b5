// Command sluice stands between applications and Kafka. Clients speak the Redis protocol or HTTP to it, and it speaks to
// Kafka with librdkafka.
//
// Exit statuses: 0 done, 1 failed while running, 64 wrong usage, 78 wrong configuration. 64 and 78 are EX_USAGE and
// EX_CONFIG of sysexits.h, so that a supervisor knows that a restart does not help. Go itself ends a program that
// crashed with 2.
package main

import (
	"os"

	"github.com/sluice-proxy/sluice/cmd/sluice/cli"
	"github.com/sluice-proxy/sluice/systemd"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "development"

func main() {
	os.Exit(cli.Run(os.Args[1:], cli.Env{
		Version: version, Out: os.Stdout, Err: os.Stderr, Journal: systemd.JournalStream(os.Stderr),
	}))
}

package main

import (
	"fmt"
	"runtime"

	"github.com/sluice-proxy/sluice/kafka"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "development"

type versionCommand struct{}

// Run prints one line per part, name first.
func (versionCommand) Run(to streams) error {
	_, err := fmt.Fprintf(to.out, "sluice %s\ngo %s %s/%s\nlibrdkafka %s\n",
		version, runtime.Version(), runtime.GOOS, runtime.GOARCH, kafka.Version())
	return err
}

package cli

import (
	"fmt"
	"runtime"

	"github.com/sluice-proxy/sluice/kafka"
)

type versionCommand struct{}

// Run prints the version of each part, one a line.
func (versionCommand) Run(env Env) error {
	_, err := fmt.Fprintf(env.Out, "sluice %s\ngo %s %s/%s\nlibrdkafka %s\n",
		env.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, kafka.Version())
	return err
}

package cli

import (
	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/cmd/sluice/daemon"
)

type serveCommand struct {
	config.Flags
}

// Run runs the service until it has ended.
func (c *serveCommand) Run(env Env) error {
	return daemon.Run(&daemon.Options{Flags: &c.Flags, Version: env.Version, Out: env.Out, Err: env.Err, Journal: env.Journal})
}

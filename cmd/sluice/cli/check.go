package cli

import (
	"fmt"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/cmd/sluice/logging"
)

type checkCommand struct {
	config.Flags
}

// Run validates the configuration with which `sluice serve` would start with the same flags.
func (c *checkCommand) Run(env Env) error {
	if c.Config == "" && c.Librdkafka == "" {
		return config.UsageError("check needs a file: -c FILE or --librdkafka FILE")
	}
	cfg, warnings, err := c.Load()
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 && !c.Embedded {
		warnings = append(warnings, config.Warning{Message: "kafka.brokers is not set: serve will need --brokers or --embedded"})
	}
	config.LogWarnings(logging.New(env.Err, cfg.Log), warnings)
	for _, path := range []string{c.Config, c.Librdkafka} {
		if path != "" {
			fmt.Fprintf(env.Out, "%s: ok\n", path)
		}
	}
	return nil
}

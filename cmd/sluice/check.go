package main

import "fmt"

type checkCommand struct {
	configFlags
}

// Run validates what `sluice serve` with the same flags would start with.
func (c *checkCommand) Run(to streams) error {
	if c.Config == "" && c.Librdkafka == "" {
		return usageError("check needs a file: -c FILE or --librdkafka FILE")
	}
	cfg, warnings, err := c.load()
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 && !c.Embedded {
		warnings = append(warnings, warning{"kafka.brokers is not set: serve will need --brokers or --embedded", nil})
	}
	warn(newLogger(to.err, cfg.Log), warnings)
	for _, path := range []string{c.Config, c.Librdkafka} {
		if path != "" {
			fmt.Fprintf(to.out, "%s: ok\n", path)
		}
	}
	return nil
}

package kafka

import (
	"maps"
	"slices"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// Reconfigure changes the configuration of the running client; an invalid one changes nothing.
//
// Bounds and intervals hold from now on. Producers whose properties changed are replaced: new records go
// to the new one, what the old one has is sent in the background. Consumer properties, windows, graces and
// the linger time hold for subscriptions that are opened from now on. unchanged names the settings that
// differ and cannot change while running, as in the configuration.
func (c *Client) Reconfigure(cfg config.Config) (unchanged []string, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c.changes.Lock()
	defer c.changes.Unlock()
	if c.life.Stopping() {
		return nil, kerr.ErrStopping
	}
	old := c.settings.Load()
	if !slices.Equal(old.Brokers, cfg.Brokers) {
		unchanged = append(unchanged, "kafka.brokers")
	}
	cfg.Brokers, cfg.Register = old.Brokers, old.Register
	made, err := c.producers.Prepare(&cfg)
	if err != nil {
		return nil, err
	}
	c.settings.Store(&cfg)
	c.producers.Reconfigure(&cfg, made)
	c.groups.Reconfigure(&cfg)
	if !maps.Equal(old.Properties, cfg.Properties) {
		c.clusterPart.Reconfigure(&cfg)
	}
	return unchanged, nil
}

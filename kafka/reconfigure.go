package kafka

import (
	"maps"
	"slices"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// Reconfigure changes the configuration of the running client; an invalid one changes nothing.
//
// Bounds and intervals hold from now on. Producers whose properties changed are replaced: new records go
// to the new one, what the old one has is sent in the background. Consumer properties, windows, graces and
// the linger time hold for subscriptions that are opened from now on. unchanged names the settings that
// differ and cannot change while running, as in the configuration.
func (c *Client) Reconfigure(cfg Config) (unchanged []string, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c.changes.Lock()
	defer c.changes.Unlock()
	if c.isStopping() {
		return nil, ErrStopping
	}
	old := c.config()
	if !slices.Equal(old.Brokers, cfg.Brokers) {
		unchanged = append(unchanged, "kafka.brokers")
	}
	cfg.Brokers, cfg.Register = old.Brokers, old.Register
	successors, err := c.successors(&cfg)
	if err != nil {
		return nil, err
	}
	c.apply(&cfg)
	for p, s := range successors {
		p.succeed(s.handle, s.properties)
	}
	if !maps.Equal(old.Properties, cfg.Properties) {
		c.changeAdministrator(&cfg)
	}
	return unchanged, nil
}

// successor is a producer handle that is to take over.
type successor struct {
	handle     *librdkafka.Producer
	properties Properties
}

// successors makes a handle for every profile whose properties change, or none at all.
func (c *Client) successors(cfg *Config) (map[*producer]successor, error) {
	made := map[*producer]successor{}
	for _, p := range c.producers {
		properties := cfg.producerProperties(p.profile)
		if !p.differs(properties) {
			continue
		}
		handle, err := librdkafka.NewProducer(properties)
		if err != nil {
			for p, s := range made {
				discard(c.ctx, s.handle, p.log)
			}
			return nil, err
		}
		made[p] = successor{handle, properties}
	}
	return made, nil
}

// changeAdministrator makes administrative reads use other properties. The old one ends, in the
// background, when nobody is inside any more.
func (c *Client) changeAdministrator(cfg *Config) {
	old := c.administrator.Swap(&administrator{brokers: cfg.Brokers, properties: cfg.Properties})
	c.start(func() { old.close(c.ctx) })
}

package config

import "time"

// Watch announces a loop to who watches, if anybody does: see Config.Register.
func (c *Config) Watch(loop string, gap time.Duration) (beat, end func()) {
	if c.Register == nil {
		return func() {}, func() {}
	}
	return c.Register(loop, gap)
}

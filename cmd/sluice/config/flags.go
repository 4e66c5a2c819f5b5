package config

import (
	"errors"
	"fmt"
)

// Flags are the flags that make up a configuration; kong reads their tags. A nil text was not given. An empty one was
// given and is empty.
type Flags struct {
	Embedded   bool    `help:"Start a Kafka broker inside this process. For development: it is not a production store."`
	Brokers    *string `placeholder:"A,B" help:"Bootstrap addresses of the Kafka cluster."`
	Resp       *string `placeholder:"ADDR" help:"Redis protocol address (127.0.0.1:6380); \"\" closes the door."`
	HTTP       *string `name:"http" placeholder:"ADDR" help:"HTTP address (127.0.0.1:8082); \"\" closes the door."`
	Management *string `placeholder:"ADDR" help:"Management address (127.0.0.1:9380): metrics, health, status; \"\" closes the door."`
	Control    *string `placeholder:"PATH" help:"Unix socket that sluice ctl talks to (auto: in systemd's RuntimeDirectory, else in the state directory); \"\" is none."`
	StateDir   *string `placeholder:"DIR" help:"Where sluice keeps data. In this version: the embedded broker's, in DIR/broker."`
	Config     string  `short:"c" placeholder:"FILE" help:"Configuration file (YAML). Flags go above it."`
	Librdkafka string  `placeholder:"FILE" help:"Rafka's librdkafka.json: general, consumer, producer. Goes above the configuration file."`
	LogLevel   *string `placeholder:"LEVEL" help:"debug, info, warn or error (info)."`
	LogFormat  *string `placeholder:"FORMAT" help:"text or json (text)."`
}

// override is a flag that goes above a setting.
type override struct {
	flag, setting string
	given         *string
}

func (f *Flags) overrides() []override {
	return []override{
		{"--brokers", "kafka.brokers", f.Brokers},
		{"--resp", "resp.address", f.Resp},
		{"--http", "http.address", f.HTTP},
		{"--management", "management.address", f.Management},
		{"--control", "management.control", f.Control},
		{"--state-dir", "state_dir", f.StateDir},
		{"--log-level", "log.level", f.LogLevel},
		{"--log-format", "log.format", f.LogFormat},
	}
}

// apply sets what the flags say, with the parsers of the file.
func (f *Flags) apply(cfg *Config) error {
	known := newVocabulary(cfg.settings()).settings
	var errs []error
	for _, o := range f.overrides() {
		if o.given == nil {
			continue
		}
		if err := known[o.setting].kind.parse(*o.given); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.flag, err))
		}
	}
	return errors.Join(errs...)
}

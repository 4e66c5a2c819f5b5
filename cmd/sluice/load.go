package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

// configFlags are the flags that make up a configuration. A nil text was not given; an empty one was.
type configFlags struct {
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

// warning is something an operator should know that keeps nothing from starting.
type warning struct {
	message string
	attrs   []any
}

func warn(log *slog.Logger, warnings []warning) {
	for _, w := range warnings {
		log.Warn(w.message, w.attrs...) //nolint:sloglint // every message is a constant where the warning is made
	}
}

// load builds the configuration: flags above librdkafka.json above the file above the defaults.
// Every error is a configError, or a usageError for flags that exclude each other.
func (f *configFlags) load() (*Config, []warning, error) {
	if f.Embedded && f.Brokers != nil {
		return nil, nil, usageError("--embedded and --brokers exclude each other")
	}
	cfg, secrets := defaultConfig(), secretive{}
	warnings, err := f.readFiles(cfg, secrets)
	if err != nil {
		return nil, nil, configError{err}
	}
	err = errors.Join(f.apply(cfg), cfg.readPassword(), cfg.validateListeners(), f.validateKafka(cfg))
	if err != nil {
		return nil, nil, configError{err}
	}
	secrets.addNamed(&cfg.Kafka)
	if cfg.RESP.PasswordFile != "" {
		secrets[cfg.RESP.PasswordFile] = "users.password_file"
	}
	open, err := secrets.check()
	if err != nil {
		return nil, nil, configError{err}
	}
	return cfg, slices.Concat(warnings, open, cfg.doubts()), nil
}

// readFiles reads the files that flags name, and notes which have secrets.
func (f *configFlags) readFiles(cfg *Config, secrets secretive) ([]warning, error) {
	if f.Config != "" {
		if err := loadYAML(f.Config, cfg.settings()); err != nil {
			return nil, err
		}
		if cfg.RESP.Password != (Secret{}) || secretProperties(&cfg.Kafka) {
			secrets[f.Config] = "passwords"
		}
	}
	if f.Librdkafka == "" {
		return nil, nil
	}
	var alone kafka.Config
	if _, err := loadLibrdkafka(f.Librdkafka, &alone); err == nil && secretProperties(&alone) {
		secrets[f.Librdkafka] = "passwords"
	}
	return loadLibrdkafka(f.Librdkafka, &cfg.Kafka)
}

// override is a flag that goes above a setting.
type override struct {
	flag, setting string
	given         *string
}

func (f *configFlags) overrides() []override {
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

// apply sets what the flags say, through the same parsers as the file.
func (f *configFlags) apply(cfg *Config) error {
	known := newVocabulary(cfg.settings()).settings
	var faults []error
	for _, o := range f.overrides() {
		if o.given == nil {
			continue
		}
		if err := known[o.setting].kind.parse(*o.given); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", o.flag, err))
		}
	}
	return errors.Join(faults...)
}

// readPassword takes the password from its file: what is in it, but for one line end.
func (c *Config) readPassword() error {
	if c.RESP.PasswordFile == "" {
		return nil
	}
	if c.RESP.Password != (Secret{}) {
		return errors.New("users.password_file: users.password is given too; keep one")
	}
	content, err := os.ReadFile(c.RESP.PasswordFile)
	if err != nil {
		return fmt.Errorf("users.password_file: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if password == "" {
		return fmt.Errorf("users.password_file: %s is empty", c.RESP.PasswordFile)
	}
	c.RESP.Password = Secret{password}
	return nil
}

// validateKafka lets kafka check what it will be given. The embedded broker's address is not known
// yet, and `sluice check` may look at a file whose brokers come from the command line.
func (f *configFlags) validateKafka(cfg *Config) error {
	checked := cfg.Kafka
	if len(checked.Brokers) == 0 {
		checked.Brokers = []string{"127.0.0.1:9092"}
	}
	return checked.Validate()
}

// doubts are the parts of a valid configuration that may surprise.
func (c *Config) doubts() []warning {
	var all []warning
	if limits := c.RESP.Options.Limits; limits.Bulk > limits.Command {
		all = append(all, warning{
			"resp.limits.bulk is above resp.limits.command, which therefore decides",
			[]any{"bulk", limits.Bulk, "command", limits.Command},
		})
	}
	if c.RESP.Address != "" && exposed(c.RESP.Address) {
		all = append(all, warning{
			"the redis door can be reached from other machines without TLS",
			[]any{"address", c.RESP.Address, "password", c.RESP.Password != (Secret{})},
		})
	}
	if c.HTTP.Address != "" && exposed(c.HTTP.Address) {
		all = append(all, warning{
			"the http door can be reached from other machines without TLS",
			[]any{"address", c.HTTP.Address, "password", c.RESP.Password != (Secret{})},
		})
	}
	if c.RESP.Address == "" && c.HTTP.Address == "" {
		all = append(all, warning{"no door is open: resp.address and http.address are empty", nil})
	}
	return all
}

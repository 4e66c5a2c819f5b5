package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/kafka"
)

// Load builds the configuration: flags above librdkafka.json above the file above the defaults. Every error is an
// Error, or a UsageError for flags that exclude each other.
func (f *Flags) Load() (*Config, []Warning, error) {
	if f.Embedded && f.Brokers != nil {
		return nil, nil, UsageError("--embedded and --brokers exclude each other")
	}
	cfg, warnings, err := f.load()
	if err != nil {
		return nil, nil, Error{err}
	}
	return cfg, warnings, nil
}

func (f *Flags) load() (*Config, []Warning, error) {
	cfg, secrets, files := Default(), secretFiles{}, newReading()
	if err := f.readFiles(cfg, secrets, files); err != nil {
		return nil, nil, err
	}
	cfg.follow(files.written)
	err := errors.Join(f.apply(cfg), cfg.Users.readPassword(), cfg.validateListeners(), cfg.withBrokers().Validate())
	if err != nil {
		return nil, nil, err
	}
	secrets.addNamed(&cfg.Kafka)
	if cfg.Users.PasswordFile != "" {
		secrets[cfg.Users.PasswordFile] = "users.password_file"
	}
	readable, err := secrets.check()
	if err == nil {
		err = files.placed(cfg.withBrokers().Try())
	}
	if err != nil {
		return nil, nil, err
	}
	return cfg, slices.Concat(files.warnings, readable, cfg.warnings()), nil
}

// follow gives limits that no file has what others need: a value that a producer takes passes the door, too. An argument of
// a command costs memory even if it is empty.
func (c *Config) follow(written map[string]bool) {
	if !written["resp.ack_timeout"] {
		c.RESP.Options.AckTimeout = c.AckTimeout
	}
	if !written["http.ack_timeout"] {
		c.HTTP.Options.AckTimeout = c.AckTimeout
	}
	limits := &c.RESP.Options.Limits
	if !written["resp.limits.bulk"] {
		limits.Bulk = max(limits.Bulk, c.Kafka.LargestRecord())
	}
	if !written["resp.limits.command"] {
		limits.Command = max(limits.Command, limits.Bulk+limits.Bulk/4)
	}
	if !written["resp.limits.args"] {
		limits.Args = max(limits.Args, limits.Command/argumentCost)
	}
}

// argumentCost is about what sluice keeps of an argument besides its bytes.
const argumentCost = 64

// readFiles reads the files that flags name, and adds those that hold secrets to secrets.
func (f *Flags) readFiles(cfg *Config, secrets secretFiles, files *reading) error {
	if f.Config != "" {
		if err := files.loadYAML(f.Config, cfg.settings()); err != nil {
			return err
		}
		if cfg.Users.Password != (Secret{}) || hasSecret(&cfg.Kafka) {
			secrets[f.Config] = "passwords"
		}
	}
	if f.Librdkafka == "" {
		return nil
	}
	var alone kafka.Config
	if err := newReading().loadLibrdkafka(f.Librdkafka, &alone); err == nil && hasSecret(&alone) {
		secrets[f.Librdkafka] = "passwords"
	}
	return files.loadLibrdkafka(f.Librdkafka, &cfg.Kafka)
}

// readPassword takes the password from its file, without one line end at its end.
func (u *Users) readPassword() error {
	if u.PasswordFile == "" {
		return nil
	}
	if u.Password != (Secret{}) {
		return errors.New("users.password_file: users.password is given too; keep one")
	}
	content, err := os.ReadFile(u.PasswordFile)
	if err != nil {
		return fmt.Errorf("users.password_file: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if password == "" {
		return fmt.Errorf("users.password_file: %s is empty", u.PasswordFile)
	}
	u.Password = Secret{password}
	return nil
}

// withBrokers is Kafka's part with an address, which may be missing: that of the embedded broker is not known yet, and the
// flags of `sluice serve` may name the brokers of a file that `sluice check` reads.
func (c *Config) withBrokers() *kafka.Config {
	engine := c.Kafka
	if len(engine.Brokers) == 0 {
		engine.Brokers = []string{"127.0.0.1:9092"}
	}
	return &engine
}

// placed adds to an error where the property was written that is to blame.
func (r *reading) placed(err error) error {
	var blamed *kafka.ClientError
	if errors.As(err, &blamed) && r.places[blamed.Key] != "" {
		return fmt.Errorf("%s: %w", r.places[blamed.Key], err)
	}
	return err
}

package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/server/management"
)

var (
	// errNoBrokers is of the one setting without a default.
	errNoBrokers = errors.New("kafka.brokers: none given: use --brokers A,B, kafka.brokers in the file, or --embedded")
	// errNothingToReload is of a sluice that got all of its configuration from the command line.
	errNothingToReload = errors.New("nothing to reload: sluice was started without a configuration file")
)

// change is a setting that has another value now.
type change struct {
	key   string
	takes effect
}

// reloading is what a second reading of the files comes to.
type reloading struct {
	// config is what to run with: the new values, but the old ones of what needs a restart.
	config   *Config
	running  *Config // before
	changes  []change
	warnings []warning
}

// reload reads the files again, with the flags above them as at the start, and compares. It applies
// nothing; its error tells all that is wrong, and then there is nothing to apply.
func (f *configFlags) reload(running *Config) (*reloading, error) {
	if f.Config == "" && f.Librdkafka == "" {
		return nil, errNothingToReload
	}
	next, warnings, err := f.load()
	if err != nil {
		return nil, err
	}
	if f.Embedded { // the address of the broker inside is nobody's setting
		next.Kafka.Brokers = running.Kafka.Brokers
	}
	if len(next.Kafka.Brokers) == 0 {
		return nil, configError{errNoBrokers}
	}
	r := &reloading{config: next, running: running, changes: compare(running, next), warnings: warnings}
	r.keep()
	return r, nil
}

// compare names the settings that differ, in their order.
func compare(running, next *Config) []change {
	var changes []change
	before := running.settings()
	for i, s := range next.settings() {
		switch {
		case reflect.DeepEqual(before[i].kind.get(), s.kind.get()):
		default:
			changes = append(changes, change{s.name, s.takes})
		}
	}
	return changes
}

// postpone says of settings that they need a restart after all.
func (r *reloading) postpone(keys []string) {
	for i := range r.changes {
		if slices.Contains(keys, r.changes[i].key) {
			r.changes[i].takes = atRestart
		}
	}
	r.keep()
}

// keep takes back what needs a restart, so that the configuration says what runs, and the next reload
// names it again.
func (r *reloading) keep() {
	before := r.running.settings()
	for i, s := range r.config.settings() {
		if slices.Contains(r.changes, change{s.name, atRestart}) {
			s.kind.set(before[i].kind.get())
		}
	}
}

// report is the reload as the operator hears of it.
func (r *reloading) report() management.Reloaded {
	var done management.Reloaded
	for _, change := range r.changes {
		list := &done.Changed
		if change.takes == atRestart {
			list = &done.Restart
		}
		if key := r.operatorsName(change.key); !slices.Contains(*list, key) {
			*list = append(*list, key)
		}
	}
	for _, w := range r.warnings {
		done.Warnings = append(done.Warnings, w.String())
	}
	return done
}

// operatorsName is the key that was changed by hand: a new password may come from the file with it.
func (r *reloading) operatorsName(key string) string {
	if key == "users.password" && r.config.RESP.PasswordFile != "" {
		return "users.password_file"
	}
	return key
}

// String is the warning for somebody who reads no log.
func (w warning) String() string {
	var text strings.Builder
	text.WriteString(w.message)
	for i := 0; i+1 < len(w.attrs); i += 2 {
		fmt.Fprintf(&text, ", %v: %v", w.attrs[i], w.attrs[i+1])
	}
	return text.String()
}

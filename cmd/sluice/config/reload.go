package config

import (
	"errors"
	"reflect"
	"slices"

	"github.com/sluice-proxy/sluice/server/management"
)

// change is a setting whose value differs between two configurations.
type change struct {
	key   string
	takes effect
}

// Reload is the result of reading the files again.
type Reload struct {
	// Config is what to run with: the new values, and the old ones where a change needs a restart.
	Config   *Config
	Warnings []Warning

	running *Config // the configuration before
	changes []change
}

// Reload reads the files again, below the flags of the start, and compares the result with the running configuration.
// It applies nothing. Its error names all mistakes.
func (f *Flags) Reload(running *Config) (*Reload, error) {
	if f.Config == "" && f.Librdkafka == "" {
		return nil, errNothingToReload
	}
	next, warnings, err := f.Load()
	if err != nil {
		return nil, err
	}
	if f.Embedded { // no setting holds the address of the embedded broker
		next.Kafka.Brokers = running.Kafka.Brokers
	}
	if len(next.Kafka.Brokers) == 0 {
		return nil, Error{ErrNoBrokers}
	}
	if running.Users.Password != (Secret{}) && next.Users.Password == (Secret{}) {
		return nil, Error{errOpens}
	}
	r := &Reload{Config: next, Warnings: warnings, running: running, changes: compare(running, next)}
	r.restoreOld()
	return r, nil
}

// errOpens keeps a file that is empty, or only half written, from opening the doors.
var errOpens = errors.New("users.password: there is one now, and none in the files: a reload does not take it away; restart sluice to have none")

// compare returns the settings that differ, in the order of the table.
func compare(running, next *Config) []change {
	var changes []change
	before := running.settings()
	for i, s := range next.settings() {
		if !reflect.DeepEqual(before[i].kind.get(), s.kind.get()) {
			changes = append(changes, change{s.name, s.takes})
		}
	}
	return changes
}

// Postpone marks settings that need a restart after all.
func (r *Reload) Postpone(keys []string) {
	for i := range r.changes {
		if slices.Contains(keys, r.changes[i].key) {
			r.changes[i].takes = atRestart
		}
	}
	r.restoreOld()
}

// restoreOld gives settings whose change needs a restart their old values. So the configuration says what runs, and the
// next reload reports the same changes again.
func (r *Reload) restoreOld() {
	before := r.running.settings()
	for i, s := range r.Config.settings() {
		if slices.Contains(r.changes, change{s.name, atRestart}) {
			s.kind.set(before[i].kind.get())
		}
	}
}

// Report returns the reload in the words of the operator.
func (r *Reload) Report() management.Reloaded {
	var done management.Reloaded
	for _, change := range r.changes {
		list := &done.Changed
		if change.takes == atRestart {
			list = &done.Restart
		}
		if key := r.fileKey(change.key); !slices.Contains(*list, key) {
			*list = append(*list, key)
		}
	}
	for _, w := range r.Warnings {
		done.Warnings = append(done.Warnings, w.String())
	}
	return done
}

// fileKey returns the key that the operator changed: a new password may come from the password file.
func (r *Reload) fileKey(key string) string {
	if key == "users.password" && r.Config.Users.PasswordFile != "" {
		return "users.password_file"
	}
	return key
}

package failures

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OverridePrefix begins the names of settings in a client's key.
const OverridePrefix = "sluice."

// Overridable are the settings that a policy may let clients set themselves: those that are about the client's own work.
// What protects others (rate, breaker), or decides over records (dead_letter, expire_after), is the operator's alone.
var Overridable = []string{"backoff", "dispatch", "lease", "max_retries", "on_error"}

// Allows tells whether a client may set a setting itself. name has no prefix.
func (p *Policy) Allows(name string) bool { return slices.Contains(p.Overrides, name) }

// WrongOverride says why a name with its prefix is none of Overridable, or "".
func WrongOverride(name string) string {
	if bare, prefixed := strings.CutPrefix(name, OverridePrefix); prefixed && slices.Contains(Overridable, bare) {
		return ""
	}
	return fmt.Sprintf("%q is not one of %s%s", name, OverridePrefix, strings.Join(Overridable, ", "+OverridePrefix))
}

// Overrides are settings of a policy that a client sets itself. The zero value changes nothing.
type Overrides struct {
	names  []string
	values Policy
}

// Names are the settings that are set, without prefix.
func (o *Overrides) Names() []string { return o.names }

// overrides has how each setting is read and applied.
var overrides = map[string]struct {
	read  func(to *Policy, value string) error
	apply func(to, from *Policy)
}{
	"backoff": {
		func(to *Policy, value string) error {
			return readDuration(&to.Backoff, value, time.Millisecond, 24*time.Hour)
		},
		func(to, from *Policy) { to.Backoff, to.MaxBackoff = from.Backoff, max(from.Backoff, to.MaxBackoff) },
	},
	"lease": {
		func(to *Policy, value string) error { return readDuration(&to.Lease, value, time.Second, 12*time.Hour) },
		func(to, from *Policy) { to.Lease = from.Lease },
	},
	"max_retries": {
		func(to *Policy, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > MostRetries {
				return fmt.Errorf("%q is not a number from 0 to %d", value, MostRetries)
			}
			to.MaxRetries = n
			return nil
		},
		func(to, from *Policy) { to.MaxRetries = from.MaxRetries },
	},
	"on_error": {
		func(to *Policy, value string) error {
			to.OnError = OnError(value)
			if to.OnError != BlockPartition && to.OnError != BlockKey && to.OnError != Pass {
				return fmt.Errorf("%q is not one of %s, %s, %s", value, BlockPartition, BlockKey, Pass)
			}
			return nil
		},
		func(to, from *Policy) { to.OnError = from.OnError },
	},
}

// MostRetries bounds max_retries.
const MostRetries = 1000

func readDuration(to *time.Duration, value string, least, most time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		return fmt.Errorf("%q is not a duration from %s to %s, such as 500ms or 30s", value, least, most)
	}
	*to = d
	return nil
}

// Set reads a setting, by its name without prefix. known is false when there is none of that name. The dispatch is the group's, and
// none of these.
func (o *Overrides) Set(name, value string) (known bool, err error) {
	setting, known := overrides[name]
	if !known {
		return false, nil
	}
	if err := setting.read(&o.values, value); err != nil {
		return true, fmt.Errorf("%s%s=%w", OverridePrefix, name, err)
	}
	o.names = append(o.names, name)
	slices.Sort(o.names)
	return true, nil
}

// Apply returns a policy with what is set.
func (o *Overrides) Apply(p Policy) Policy {
	for _, name := range o.names {
		overrides[name].apply(&p, &o.values)
	}
	return p
}

package failures

import (
	"fmt"
	"slices"
	"strings"
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

package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// Warning is something that an operator should know and that does not keep the program from starting.
type Warning struct {
	Message string
	Attrs   []any // as for slog
}

// ignoredProperty warns of a librdkafka property that has no effect where it stands.
func ignoredProperty(place, property, reason string) Warning {
	return Warning{"property ignored: sluice sets it itself", []any{"file", place, "property", property, "reason", reason}}
}

// LogWarnings logs each warning.
func LogWarnings(log *slog.Logger, warnings []Warning) {
	for _, w := range warnings {
		log.Warn(w.Message, w.Attrs...) //nolint:sloglint // every message is a constant where the warning is made
	}
}

// String is the warning for people who do not read the log.
func (w Warning) String() string {
	var text strings.Builder
	text.WriteString(w.Message)
	for i := 0; i+1 < len(w.Attrs); i += 2 {
		fmt.Fprintf(&text, ", %v: %v", w.Attrs[i], w.Attrs[i+1])
	}
	return text.String()
}

// warnings names the parts of a valid configuration that may surprise an operator.
func (c *Config) warnings() []Warning {
	var all []Warning
	if limits := c.RESP.Options.Limits; limits.Bulk > limits.Command {
		all = append(all, Warning{
			"resp.limits.bulk is above resp.limits.command, which therefore decides",
			[]any{"bulk", limits.Bulk, "command", limits.Command},
		})
	}
	password := c.Users.Password != (Secret{})
	if c.RESP.Address != "" && exposed(c.RESP.Address) {
		all = append(all, Warning{
			"the redis door can be reached from other machines without TLS",
			[]any{"address", c.RESP.Address, "password", password},
		})
	}
	if c.HTTP.Address != "" && exposed(c.HTTP.Address) {
		all = append(all, Warning{
			"the http door can be reached from other machines without TLS",
			[]any{"address", c.HTTP.Address, "password", password},
		})
	}
	if c.RESP.Address == "" && c.HTTP.Address == "" {
		all = append(all, Warning{"no door is open: resp.address and http.address are empty", nil})
	}
	return all
}

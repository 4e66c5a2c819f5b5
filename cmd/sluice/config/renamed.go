package config

import (
	"fmt"
	"strings"
)

// renamed is the table of settings that had another name in older versions. An old name in a file is an error, and the
// error says the new name.
var renamed = []struct{ old, name string }{
	{"limits.args", "resp.limits.args"},
	{"limits.bulk", "resp.limits.bulk"},
	{"limits.command", "resp.limits.command"},
	{"limits.inline", "resp.limits.inline"},
	{"limits.output", "resp.limits.output"},
	{"resp.password", "users.password"},
	{"resp.password_file", "users.password_file"},
	{"kafka.max_topic_rows", "management.max_topic_rows"},
	{"kafka.in_flight", "produce.in_flight"},
	{"kafka.max_topics", "produce.max_topics"},
	{"member.grace", "consume.member_grace"},
	{"subscription.linger", "consume.linger"},
	{"kafka.window_records", "consume.window_records"},
	{"kafka.window_bytes", "consume.window_bytes"},
	{"kafka.revoke_grace", "consume.revoke_grace"},
	{"kafka.commit_interval", "consume.commit_interval"},
	{"kafka.max_subscriptions", "consume.max_subscriptions"},
	{"kafka.lag_interval", "consume.lag_interval"},
	{"kafka.stall_after", "consume.stall_after"},
	{"drain.grace", "drain_grace"},
}

// newName returns the error text for the old name of a setting, "" for every other name.
func newName(old string) string {
	for _, r := range renamed {
		if r.old == old {
			return fmt.Sprintf("%s is called %s now", r.old, r.name)
		}
	}
	return ""
}

// newNames returns the error text for a section whose settings are all renamed, "" for every other section.
func (v vocabulary) newNames(section string) string {
	if v.isSection(section) {
		return ""
	}
	var all []string
	for _, r := range renamed {
		if strings.HasPrefix(r.old, section+".") {
			all = append(all, newName(r.old))
		}
	}
	return strings.Join(all, ", ")
}

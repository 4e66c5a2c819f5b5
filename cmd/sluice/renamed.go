package main

import (
	"fmt"
	"strings"
)

// renamed lists the settings that had another name before. A file that uses an old name is wrong, and the
// complaint says the new one.
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

// newName words the complaint about the old name of a setting; "" for every other name.
func newName(old string) string {
	for _, r := range renamed {
		if r.old == old {
			return fmt.Sprintf("%s is called %s now", r.old, r.name)
		}
	}
	return ""
}

// newNames words the complaint about a section whose settings have all been renamed; "" for every other name.
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

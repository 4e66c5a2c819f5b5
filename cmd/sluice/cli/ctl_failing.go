package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

// failingTable lists the groups that have records which have failed.
func failingTable(subscriptions []management.Subscription) table {
	t := table{header: []any{"GROUP", "TOPICS", "FAILING", "HELD", "DYING", "DEAD", "NEXT RETRY"}}
	for _, s := range subscriptions {
		if f := &s.Failing; int64(f.Failing+f.Held+f.Dying)+f.Dead > 0 {
			t.rows = append(t.rows, []any{s.Group, strings.Join(s.Topics, ","), f.Failing, f.Held, f.Dying, f.Dead, orDash(f.NextRetry, clock)})
		}
	}
	return t
}

// printFailing writes a line for each partition that is stopped, each record that clients die of, and each topic with bounds.
func printFailing(to io.Writer, subscriptions []management.Subscription) {
	var lines []string
	for _, s := range subscriptions {
		for i := range s.Stopped {
			lines = append(lines, "stopped: "+s.Stopped[i].Why+", group "+s.Group+", for "+age(s.Stopped[i].Seconds))
		}
		if rest := s.StoppedPartitions - len(s.Stopped); rest > 0 {
			lines = append(lines, fmt.Sprintf("stopped: %s more, group %s", counted(rest, "partition"), s.Group))
		}
		for _, c := range s.Crashers {
			lines = append(lines, fmt.Sprintf("clients end: %s that held %s:%d:%d, group %s", counted(c.Deaths, "client"), c.Topic, c.Partition, c.Offset, s.Group))
		}
		for i := range s.Bounds {
			lines = append(lines, "bounds: "+s.Bounds[i].Topic+", group "+s.Group+": "+bounds(&s.Bounds[i]))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintln(to)
	}
	for _, line := range lines {
		fmt.Fprintln(to, visible(line))
	}
}

// bounds are what holds of a topic now.
func bounds(b *management.Bounds) string {
	var parts []string
	if b.Breaker != "" {
		parts = append(parts, "breaker "+b.Breaker)
	}
	if b.RateLeft != nil {
		parts = append(parts, fmt.Sprintf("%d of %d records left in %s", *b.RateLeft, b.RateLimit, age(b.RatePerSeconds)))
	}
	if b.MaxConcurrency > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d records with clients", b.Leased, b.MaxConcurrency))
	}
	if b.Next != nil {
		parts = append(parts, "next record at "+clock(*b.Next))
	}
	return strings.Join(parts, ", ")
}

// clock is a time of today; else the date is with it.
func clock(at time.Time) string {
	at = at.Local()
	if now := time.Now(); at.YearDay() != now.YearDay() || at.Year() != now.Year() {
		return at.Format(time.DateTime)
	}
	return at.Format(time.TimeOnly)
}

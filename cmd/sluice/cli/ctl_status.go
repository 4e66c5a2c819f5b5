package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

type ctlStatus struct {
	JSON bool `name:"json" help:"Print sluice's answer as it is: JSON, with more in it."`
}

// Run shows what a running sluice is doing.
func (c *ctlStatus) Run(env Env, ctl *ctlCommand) error {
	var raw json.RawMessage
	if err := ctl.ask(http.MethodGet, "/status", &raw); err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintf(env.Out, "%s\n", raw)
		return err
	}
	var status management.Status
	if err := json.Unmarshal(raw, &status); err != nil {
		return fmt.Errorf("no answer of a sluice: %w", err)
	}
	var held management.Leases
	_ = ctl.ask(http.MethodGet, "/leases", &held) // an older sluice does not tell: then ages are missing
	return printStatus(env.Out, &status, held.Leases)
}

// printStatus writes the process as lines. Producers, subscriptions, their members and standing records are tables.
func printStatus(to io.Writer, s *management.Status, held []management.Lease) error {
	fmt.Fprintf(to, "sluice %s, up %s, %s, librdkafka %s\n",
		visible(s.Build.Version), age(s.UptimeSeconds), visible(s.Build.Go), visible(s.Build.Librdkafka))
	fmt.Fprintln(to, readiness(s))
	for _, sentence := range s.Throttled {
		fmt.Fprintln(to, visible(sentence))
	}
	for _, late := range s.Late {
		fmt.Fprintf(to, "stuck: %s has not turned for %s, and may take %s\n",
			visible(late.Loop), age(late.AgeSeconds), age(late.GapSeconds))
	}
	if !s.LastReload.OK {
		fmt.Fprintf(to, "the last reload failed, at %s:\n    %s\n",
			s.LastReload.At.Local().Format(time.DateTime), strings.ReplaceAll(s.LastReload.Error, "\n", "\n    "))
	}
	for _, l := range s.Listeners {
		fmt.Fprintf(to, "listening: %s at %s%s\n", visible(l.Name), visible(l.Address), when(l.Inherited, ", opened by systemd"))
	}
	fmt.Fprintf(to, "clients: %d\n", s.Clients)
	if http := s.HTTP; http != (management.HTTP{}) {
		fmt.Fprintf(to, "http: %s, %s, %d waiting for records, %s\n", counted(http.Clients, "client"),
			counted(int(http.Requests), "request"), http.Waiting, counted(http.Instances, "consumer instance"))
	}
	for _, t := range []table{profilesTable(s.Profiles), subscriptionsTable(s.Subscriptions), membersTable(s.Subscriptions, held), standingTable(s.Subscriptions), failingTable(s.Subscriptions)} {
		if len(t.rows) == 0 {
			continue
		}
		fmt.Fprintln(to)
		if err := t.write(to); err != nil {
			return err
		}
	}
	printFailing(to, s.Subscriptions)
	return nil
}

// membersTable lists the members of all groups, with the age of the record that each has held for longest.
func membersTable(subscriptions []management.Subscription, held []management.Lease) table {
	type member struct{ group, name string }
	oldest := map[member]float64{}
	for _, l := range held {
		m := member{l.Group, l.Holder}
		oldest[m] = max(oldest[m], l.Seconds)
	}
	t := table{header: []any{"MEMBER", "GROUP", "STATE", "OWES", "OLDEST"}}
	for _, s := range subscriptions {
		for _, m := range s.Members {
			state, since := "connected", "-"
			if !m.Connected {
				state = "away"
			}
			if seconds, holds := oldest[member{s.Group, m.Name}]; holds {
				since = age(seconds)
			}
			t.rows = append(t.rows, []any{m.Name, s.Group, state, m.Owed, since})
		}
	}
	return t
}

// standingTable lists the records that hold back their partitions.
func standingTable(subscriptions []management.Subscription) table {
	t := table{header: []any{"STANDING RECORD", "GROUP", "ATTEMPTS", "FOR", "HOLDER"}}
	for _, s := range subscriptions {
		for _, r := range s.Standing {
			t.rows = append(t.rows, []any{
				fmt.Sprintf("%s:%d:%d", r.Topic, r.Partition, r.Offset), s.Group, r.Attempts, age(r.Seconds), dash(r.Holder),
			})
		}
	}
	return t
}

// readiness is the line that says whether sluice is ready.
func readiness(s *management.Status) string {
	if s.Ready {
		words := "ready"
		for _, b := range s.SilentBrokers {
			words += "; broker " + visible(b) + " does not answer"
		}
		return words
	}
	reasons := make([]string, len(s.Reasons))
	for i, reason := range s.Reasons {
		reasons[i] = visible(reason)
	}
	return "not ready: " + strings.Join(reasons, "; ")
}

func profilesTable(profiles []management.Profile) table {
	t := table{header: []any{"PROFILE", "IN FLIGHT", "QUEUED", "QUEUED BYTES", "BROKERS", "REPLACED"}}
	for _, p := range profiles {
		t.rows = append(t.rows, []any{
			p.Name, p.InFlight, share(p.Queued, p.QueueLimit, count), share(p.QueuedBytes, p.QueueBytesLimit, volume),
			brokersUp(p.Brokers), p.Replaced,
		})
	}
	return t
}

// brokersUp counts the brokers with a connection. No broker is known before librdkafka's first statistics.
func brokersUp(all []management.Broker) string {
	up := 0
	for _, broker := range all {
		if broker.State == "UP" {
			up++
		}
	}
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d up", up, len(all))
}

func subscriptionsTable(subscriptions []management.Subscription) table {
	t := table{header: []any{
		"GROUP", "TOPICS", "MEMBERS", "PARTITIONS", "LEASED", "BUFFERED", "OLDEST", "LAG", "LAG TIME", "REBALANCES", "STATE",
	}}
	for _, s := range subscriptions {
		t.rows = append(t.rows, []any{
			s.Group, strings.Join(s.Topics, ","), members(s.Members), s.Partitions, s.Leased, s.Buffered,
			age(s.OldestUnackedSeconds), orDash(s.Lag, count),
			orDash(s.LagSeconds, age), s.Rebalances, state(&s),
		})
	}
	return t
}

// members counts the members of a group, and those that lost their connection and may come back.
func members(all []management.Member) string {
	away := 0
	for _, m := range all {
		if !m.Connected {
			away++
		}
	}
	return fmt.Sprint(len(all)) + when(away > 0, fmt.Sprintf(", %d away", away))
}

// state is the worst thing to say about a subscription.
func state(s *management.Subscription) string {
	switch {
	case s.Trouble != "":
		return s.Trouble
	case s.StoppedPartitions > 0:
		return "stopped: " + counted(s.StoppedPartitions, "partition")
	case s.Stalled:
		return "stalled" + when(s.StalledPartitions > 0, ": "+counted(s.StalledPartitions, "partition"))
	case len(s.Standing) > 0:
		return "record stands"
	case s.Skipped > 0:
		return fmt.Sprintf("ok, %d skipped", s.Skipped)
	}
	return "ok"
}

// share is a part and, if it is known, the whole.
func share(part, whole int64, text func(int64) string) string {
	return text(part) + when(whole > 0, " of "+text(whole))
}

func orDash[T any](value *T, text func(T) string) string {
	if value == nil {
		return "-"
	}
	return text(*value)
}

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// counted is a number with the singular or the plural of a noun.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// volume writes a number of bytes for people.
func volume(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// age writes a number of seconds for people. Short times are more exact.
func age(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

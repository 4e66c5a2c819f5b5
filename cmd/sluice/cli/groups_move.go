package cli

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/sluice-proxy/sluice/server/management"
)

// groupsSeek and groupsSkip ask the running sluice: only who serves a group can move it while it works.
type groupsSeek struct {
	Group string `arg:"" help:"The group."`
	Topic string `arg:"" help:"The topic, or one of its partitions as TOPIC:PARTITION."`
	To    string `required:"" placeholder:"WHERE" help:"earliest, latest, an offset, a time such as 2026-11-29T08:00:00Z, or how long ago: -1h."`
	moveFlags
}

type groupsSkip struct {
	Group  string `arg:"" help:"The group."`
	Record string `arg:"" help:"The record, as TOPIC:PARTITION:OFFSET."`
	moveFlags
}

type moveFlags struct {
	DryRun bool `help:"Only show what would be done."`
	controlFlags
	JSON bool `name:"json" help:"Print JSON instead of a table."`
}

func (f *moveFlags) query(q url.Values) string {
	if f.DryRun {
		q.Set("dry_run", "true")
	}
	return q.Encode()
}

// Run has a group go on elsewhere.
func (c *groupsSeek) Run(env Env) error {
	var got management.Moved
	if err := c.ask(http.MethodPost, "/groups/seek?"+c.query(url.Values{"group": {c.Group}, "topic": {c.Topic}, "to": {c.To}}), &got); err != nil {
		return err
	}
	t := table{header: []any{"TOPIC", "PARTITION", "FROM", "TO", "END"}, value: got}
	for _, m := range got.Moves {
		t.rows = append(t.rows, []any{m.Topic, m.Partition, orDash(m.From, count), m.To, m.End})
	}
	if err := t.print(env.Out, c.JSON); err != nil || c.JSON {
		return err
	}
	fmt.Fprintln(env.Out, when(got.Done, "done")+when(!got.Done, "nothing was done: this is a dry run"))
	return nil
}

// Run has a group go on without a record.
func (c *groupsSkip) Run(env Env) error {
	var got management.Skipped
	if err := c.ask(http.MethodPost, "/groups/skip?"+c.query(url.Values{"group": {c.Group}, "record": {c.Record}}), &got); err != nil {
		return err
	}
	if c.JSON {
		return (&table{value: got}).print(env.Out, true)
	}
	fmt.Fprintf(env.Out, "%s %s %s\n", got.Group, when(got.Done, "goes on without")+when(!got.Done, "would go on without"), got.Record)
	return nil
}

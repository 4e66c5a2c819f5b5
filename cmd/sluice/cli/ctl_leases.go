package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sluice-proxy/sluice/server/management"
)

type ctlLeases struct {
	Group string `arg:"" optional:"" help:"The group; all groups if it is left out."`
	JSON  bool   `name:"json" help:"Print JSON instead of a table."`
}

// Run shows the records that members hold.
func (c *ctlLeases) Run(env Env, ctl *ctlCommand) error {
	var got management.Leases
	if err := ctl.ask(http.MethodGet, "/leases?"+url.Values{"group": {c.Group}}.Encode(), &got); err != nil {
		return err
	}
	t := table{header: []any{"RECORD", "GROUP", "HOLDER", "FOR", "ATTEMPT"}, value: got}
	for _, l := range got.Leases {
		t.rows = append(t.rows, []any{l.Record, l.Group, l.Holder, age(l.Seconds), l.Attempt})
	}
	if err := t.print(env.Out, c.JSON); err != nil {
		return err
	}
	if rest := got.Total - len(got.Leases); rest > 0 && !c.JSON {
		fmt.Fprintf(env.Out, "and %d more\n", rest)
	}
	return nil
}

type ctlErrors struct {
	JSON bool `name:"json" help:"Print JSON instead of a table."`
}

// Run shows the last warning or error of each kind.
func (c *ctlErrors) Run(env Env, ctl *ctlCommand) error {
	var got management.Errors
	if err := ctl.ask(http.MethodGet, "/errors", &got); err != nil {
		return err
	}
	t := table{header: []any{"AT", "LEVEL", "TIMES", "LAST"}, value: got}
	for _, e := range got.Errors {
		t.rows = append(t.rows, []any{e.At.Local().Format(time.DateTime), e.Level, e.Count, e.Text})
	}
	return t.print(env.Out, c.JSON)
}

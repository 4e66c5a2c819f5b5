package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// clusterFlags say which cluster to ask, and how to show its answer.
type clusterFlags struct {
	Brokers    *string       `placeholder:"A,B" help:"Bootstrap addresses of the Kafka cluster."`
	Config     string        `short:"c" placeholder:"FILE" help:"Configuration file to take brokers and properties from."`
	Librdkafka string        `placeholder:"FILE" help:"Rafka's librdkafka.json to take brokers and properties from."`
	JSON       bool          `name:"json" help:"Print JSON instead of a table."`
	Timeout    time.Duration `default:"10s" help:"How long the cluster may take to answer."`
}

// ask opens the cluster, and gives read until the timeout to fetch what it prints.
func (f *clusterFlags) ask(read func(context.Context, *kafka.Admin) error) error {
	settings := configFlags{Brokers: f.Brokers, Config: f.Config, Librdkafka: f.Librdkafka}
	cfg, _, err := settings.load()
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 {
		return usageError("which cluster? Give --brokers A,B, or -c FILE with kafka.brokers")
	}
	admin, err := kafka.OpenAdmin(cfg.Kafka.Brokers, cfg.Kafka.Properties)
	if err != nil {
		return err
	}
	defer admin.Close()
	ctx, cancel := context.WithTimeout(context.Background(), f.Timeout)
	defer cancel()
	err = read(ctx, admin)
	if err != nil && ctx.Err() != nil { // whatever librdkafka calls it
		return fmt.Errorf("no answer from %s within %s: %w", strings.Join(cfg.Kafka.Brokers, ","), f.Timeout, err)
	}
	return err
}

// table is what both forms of output are made of: rows for people, value for programs.
type table struct {
	header []any
	rows   [][]any
	value  any
}

func (f *clusterFlags) print(to io.Writer, t table) error {
	if f.JSON {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		return e.Encode(t.value)
	}
	return t.write(to)
}

// write prints the rows in columns.
func (t table) write(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range append([][]any{t.header}, t.rows...) {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, visible(fmt.Sprint(cell)))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// visible quotes a text that a terminal would obey: names are chosen by clients.
func visible(text string) string {
	if strings.IndexFunc(text, hidden) < 0 && !strings.Contains(text, "\n") {
		return text
	}
	return strconv.Quote(text)
}

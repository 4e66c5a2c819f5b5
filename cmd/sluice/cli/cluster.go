package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/cmd/sluice/config"
	"github.com/sluice-proxy/sluice/kafka"
)

// clusterFlags name a cluster, and the form of the output.
type clusterFlags struct {
	Brokers    *string       `placeholder:"A,B" help:"Bootstrap addresses of the Kafka cluster."`
	Config     string        `short:"c" placeholder:"FILE" help:"Configuration file to take brokers and properties from."`
	Librdkafka string        `placeholder:"FILE" help:"Rafka's librdkafka.json to take brokers and properties from."`
	JSON       bool          `name:"json" help:"Print JSON instead of a table."`
	Timeout    time.Duration `default:"10s" help:"How long the cluster may take to answer."`
}

// ask calls read with a client of the cluster. read must return before the timeout.
func (f *clusterFlags) ask(read func(context.Context, *kafka.Cluster) error) error {
	flags := config.Flags{Brokers: f.Brokers, Config: f.Config, Librdkafka: f.Librdkafka}
	cfg, _, err := flags.Load()
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 {
		return config.UsageError("which cluster? Give --brokers A,B, or -c FILE with kafka.brokers")
	}
	cluster, end := kafka.OpenCluster(cfg.Kafka)
	ctx, cancel := context.WithTimeout(context.Background(), f.Timeout)
	defer cancel()
	defer end(ctx)
	go endHopeless(ctx, cancel, cluster, len(cfg.Kafka.Brokers))
	err = read(ctx, cluster)
	if err == nil || ctx.Err() == nil && !errors.Is(err, kafka.ErrNoAnswer) { // librdkafka has several errors for a timeout
		return err
	}
	if why, _ := cluster.Trouble(); why != "" {
		return fmt.Errorf("%w: %s", kafka.ErrNoAnswer, why)
	}
	return fmt.Errorf("no answer from %s within %s: %w", strings.Join(cfg.Kafka.Brokers, ","), f.Timeout, err)
}

const (
	hopelessAfter = 1500 * time.Millisecond
	hopelessTick  = 100 * time.Millisecond
)

// endHopeless cancels questions that nobody is going to answer: none of the brokers can be reached, and it is known why.
func endHopeless(ctx context.Context, cancel context.CancelFunc, cluster *kafka.Cluster, brokers int) {
	tick := time.NewTicker(hopelessTick)
	defer tick.Stop()
	for began := time.Now(); ctx.Err() == nil; {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if _, n := cluster.Trouble(); n >= brokers && time.Since(began) >= hopelessAfter {
			cancel()
		}
	}
}

// print writes a table, or its JSON.
func (f *clusterFlags) print(to io.Writer, t table) error { return t.print(to, f.JSON) }

// print writes the table, or its JSON.
func (t *table) print(to io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(to)
		e.SetIndent("", "  ")
		return e.Encode(t.value)
	}
	return t.write(to)
}

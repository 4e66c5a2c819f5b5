package management

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const documentPath = "../../docs/metrics.md"

// The parts of docs/metrics.md that are not in the table.
const (
	documentHead = `# Metrics

*Made from the table in server/management; ` + "`go test ./server/management -update`" + ` writes it anew.*

    $ curl -s localhost:9380/metrics

A scrape reads what sluice has at hand. It asks no broker, and takes a few milliseconds. What comes from librdkafka's
statistics and the lag is as old as their last reading, about ten seconds at most.

The books balance, for every topic, and for every topic of every group:

    sluice_produce_accepted_messages_total = sluice_produce_messages_total (ok + rejected + retry + unknown)
                                           + sluice_produce_pending_messages
    sluice_consume_lent_messages_total     = sluice_consume_accepted_messages_total + sluice_consume_released_messages_total
                                           + sluice_consume_rejected_messages_total + sluice_consume_leased_messages

Counters start at 0 with the process. ` + "`HGETALL stats`" + ` and ` + "`DEL stats`" + ` have nothing to do with them.

Labels never hold the name or the address of a client, a user, or a key. Topics and groups have a series each up to a
bound; all beyond it share the one called ` + "`(other)`" + `. A metric has 2000 series at most.

`
	documentTail = `## Go and the kernel

The usual ones, by their usual names: ` + "`process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_open_fds`, " +
		"`process_max_fds`, `process_start_time_seconds`, `go_goroutines`, `go_threads`, `go_memstats_*`, `go_gc_*`" + ` and
their like. Go's memory does not hold librdkafka's; ` + "`process_resident_memory_bytes`" + ` does.
`
)

func document() string {
	var b strings.Builder
	b.WriteString(documentHead)
	for _, family := range families {
		fmt.Fprintf(&b, "## %s\n\n| metric | kind | labels | |\n|---|---|---|---|\n", family.title)
		for _, m := range family.metrics {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, strings.Join(m.labels, ", "), m.help)
		}
		b.WriteString("\n")
	}
	b.WriteString(documentTail)
	return b.String()
}

func TestTheMetricsAreDocumentedAsTheyAre(t *testing.T) {
	if *update {
		if err := os.WriteFile(documentPath, []byte(document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(documentPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != document() {
		t.Error("docs/metrics.md is not what the table says: go test ./server/management -update")
	}
}

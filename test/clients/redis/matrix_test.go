//go:build matrix

package redis

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// client is one version of a client, and how its program is run.
type client struct {
	name    string // as people call it
	version string // the one that is run
	// command fetches and builds what is missing, and returns the command that stands before a step.
	command func(t *testing.T) []string
}

// clients are all of them, by language.
func clients() []client {
	return slices.Concat(goClients(), pythonClients(), nodeClients(), javaClients(), rustClients(), debianClients())
}

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// Every client connects, produces and consumes, with the default replies or with those of a listener; a pool of it loses
// nothing, and it goes on behind a restart.
func TestEveryClient(t *testing.T) {
	w := openWorld(t)
	var seen table
	// The last of the parallel tests below has ended when this cleanup runs.
	t.Cleanup(func() { seen.write(t) })
	for _, c := range clients() {
		t.Run(c.name+" "+c.version, func(t *testing.T) {
			t.Parallel()
			command := c.command(t)
			for _, protocol := range []int{2, 3} {
				r := &run{t: t, world: w, command: command, protocol: protocol, client: c}
				if row, spoken := r.row(); spoken {
					seen.add(row)
				}
			}
		})
	}
}

// row is what the table says of a client with one version of the protocol.
type row struct {
	client
	protocol                           int
	produces, byDefault, listener, raw string
	pool, patience, restart            string
}

// row plays every step; spoken is whether the client speaks this version of the protocol.
func (r *run) row() (out row, spoken bool) {
	out = row{client: r.client, protocol: r.protocol}
	if !r.connects() {
		return out, false
	}
	out.produces = r.produces()
	out.byDefault, out.listener = r.consumesTyped()
	out.raw = r.consumesRaw()
	out.pool = r.pools()
	out.patience = r.waits()
	out.restart = r.restarts()
	return out, true
}

// table collects rows of tests that run at the same time.
type table struct {
	mu   sync.Mutex
	rows []row
}

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

// sorted are the rows in the order of the clients, as their files list them.
func (t *table) sorted() []row {
	order := map[string]int{}
	for i, c := range clients() {
		order[c.name+c.version] = i
	}
	slices.SortStableFunc(t.rows, func(a, b row) int {
		if d := order[a.name+a.version] - order[b.name+b.version]; d != 0 {
			return d
		}
		return a.protocol - b.protocol
	})
	return t.rows
}

// markdown is the table of the rows, one line each.
func (t *table) markdown() string {
	var out strings.Builder
	out.WriteString("| client | version | RESP | produces | its own `blpop` | the raw command | eight threads, one pool | `BLPOP` of 7 s | sluice is killed and starts again |\n")
	out.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range t.sorted() {
		typed := r.byDefault
		if r.listener != "" {
			typed = r.listener + "; by default " + r.byDefault
		}
		cells := []string{r.name, r.version, strconv.Itoa(r.protocol), r.produces, typed, r.raw, r.pool, r.patience, r.restart}
		out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return out.String()
}

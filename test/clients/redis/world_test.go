//go:build matrix

package redis

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// startPatience bounds the start of a proxy, and what Kafka should show soon.
const startPatience = time.Minute

const password = "open sesame"

// The ways to answer a client's own call for BLPOP, in the order in which they are tried: as Rafka, and the shapes of two
// listeners.
var shapes = []string{"", "strings", "pair"}

// world is what every client meets: a cluster, and a proxy with a password and two listeners.
type world struct {
	fake  *harnesstest.FakeCluster
	proxy *doors
}

// doors are a proxy and its addresses, by the shape of the replies.
type doors struct {
	*harness.Sluice
	addr map[string]string
}

func openWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fake: harnesstest.Fake(t, harness.FakeOptions{})}
	w.proxy = w.open(t)
	return w
}

// open starts a proxy with a password, and a listener for each shape.
func (w *world) open(t *testing.T) *doors {
	t.Helper()
	d := &doors{addr: map[string]string{}}
	lines := []string{"users: {password: " + password + "}", "resp:", "  listeners:"}
	for _, shape := range shapes[1:] {
		d.addr[shape] = harnesstest.FreeAddr(t)
		lines = append(lines, "    "+shape+": {address: '"+d.addr[shape]+"', reply: "+shape+", ack: auto}")
	}
	d.Sluice = harnesstest.Sluice(t, harnesstest.Within(t, startPatience), harness.SluiceOptions{
		Brokers: w.fake.Brokers(), Args: []string{"--config", harnesstest.Config(t, lines...)},
	})
	d.addr[""] = d.Addr
	return d
}

// topic makes a topic of one partition that holds the values.
func (w *world) topic(t *testing.T, name string, values ...string) {
	t.Helper()
	ctx := harnesstest.Within(t, startPatience)
	harnesstest.Topic(t, ctx, w.fake.Admin, name, 1)
	if len(values) == 0 {
		return
	}
	if err := w.fake.Admin.Produce(ctx, name, 0, nil, values...); err != nil {
		t.Fatal(err)
	}
}

const beginMark, endMark = "<!-- clients: begin -->\n", "<!-- clients: end -->\n"

// write puts the table into docs/clients.md, if every client was run and none failed.
func (t *table) write(test *testing.T) {
	ran := map[string]bool{}
	for _, r := range t.rows {
		ran[r.name+r.version] = true
	}
	if test.Failed() || len(ran) != len(clients()) {
		test.Log("docs/clients.md stays as it is: not every client was run and went well\n" + t.markdown())
		return
	}
	root, err := harness.Root()
	if err != nil {
		test.Fatal(err)
	}
	page := filepath.Join(root, "docs", "clients.md")
	text, err := os.ReadFile(page)
	if err != nil {
		test.Fatal(err)
	}
	before, rest, begun := bytes.Cut(text, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !begun || !ended {
		test.Fatalf("%s has no lines %q and %q", page, beginMark, endMark)
	}
	whole := strings.Join([]string{string(before), beginMark, "\n", t.markdown(), "\n", endMark, string(after)}, "")
	if err := os.WriteFile(page, []byte(whole), 0o600); err != nil {
		test.Fatal(err)
	}
}

package harnesstest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/test/harness"
)

// Gap is the story of a worker that acknowledges all records of a topic but the first one, and of its sluice, which is killed.
type Gap struct {
	Admin   *harness.Admin
	Group   string
	Topic   string // with one partition
	Records int
}

// lent is a record that a sluice lends over HTTP.
type lent struct {
	Offset int64  `json:"offset"`
	Lease  string `json:"lease"`
}

// lateOnes is how many records are acknowledged right before the kill: of these, any may come again.
const lateOnes = 400

// Play tells it. after gives the sluice that goes on once the first one is killed. What comes again is the first record, what
// was not acknowledged, and of what was acknowledged only what was not committed yet.
func (g *Gap) Play(t *testing.T, ctx context.Context, first *harness.Sluice, after func() *harness.Sluice) {
	t.Helper()
	var all []lent
	for len(all) < g.Records {
		all = append(all, g.take(t, ctx, first)...)
	}
	early, late := all[1:g.Records-2*lateOnes], all[g.Records-2*lateOnes:g.Records-lateOnes]
	g.settle(t, ctx, first, early)
	Until(t, ctx, func(ctx context.Context) error { return g.kept(ctx, early) })
	g.settle(t, ctx, first, late)
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	second, came := after(), map[int64]int{}
	for last := all[g.Records-1].Offset; ; {
		again := g.take(t, ctx, second)
		g.settle(t, ctx, second, again)
		for _, r := range again {
			came[r.Offset]++
		}
		at, err := g.Admin.Committed(ctx, g.Group, g.Topic, 0)
		if err != nil {
			t.Fatal(err)
		}
		if at > last {
			break
		}
	}
	g.compare(t, came, all, early, late)
}

func (g *Gap) compare(t *testing.T, came map[int64]int, all, early, late []lent) {
	t.Helper()
	twice := 0
	for _, r := range early {
		twice += came[r.Offset]
	}
	if twice > 0 {
		t.Errorf("%d of %d records came again whose acknowledgement was committed", twice, len(early))
	}
	for _, r := range late {
		twice += came[r.Offset]
	}
	t.Logf("%d of %d acknowledged records came again; %d records came", twice, len(early)+len(late), len(came))
	for _, r := range slices.Concat(all[:1], all[g.Records-lateOnes:]) {
		if came[r.Offset] != 1 {
			t.Errorf("the record at %d was not acknowledged, and came %d times again", r.Offset, came[r.Offset])
		}
	}
}

// kept is nil when the acknowledgements of the records are committed.
func (g *Gap) kept(ctx context.Context, records []lent) error {
	at, metadata, err := g.Admin.CommittedWith(ctx, g.Group, g.Topic, 0)
	if err != nil {
		return err
	}
	m, ours := commitmeta.Decode(at, metadata)
	if !ours {
		return fmt.Errorf("%d is committed, with the metadata %q", at, metadata)
	}
	for _, r := range records {
		if !slices.ContainsFunc(m.Above, func(a commitmeta.Range) bool { return a.From <= r.Offset && r.Offset < a.To }) {
			return fmt.Errorf("the acknowledgement of %d is not committed above %d", r.Offset, at)
		}
	}
	return nil
}

// most is how many records one request may take, or settle.
const most = 1000

func (g *Gap) take(t *testing.T, ctx context.Context, s *harness.Sluice) (taken []lent) {
	t.Helper()
	g.call(t, ctx, s, http.MethodGet, fmt.Sprintf("messages?topics=%s&max=%d&wait=1s&ack_timeout=10m", g.Topic, most), "", &taken)
	return taken
}

func (g *Gap) settle(t *testing.T, ctx context.Context, s *harness.Sluice, records []lent) {
	t.Helper()
	for part := range slices.Chunk(records, most) {
		leases := make([]string, len(part))
		for i, r := range part {
			leases[i] = r.Lease
		}
		body, _ := json.Marshal(map[string][]string{"ack": leases})
		var answer struct{ Accepted int }
		g.call(t, ctx, s, http.MethodPost, "acks", string(body), &answer)
		if answer.Accepted != len(part) {
			t.Fatalf("%d of %d acknowledgements were taken", answer.Accepted, len(part))
		}
	}
}

func (g *Gap) call(t *testing.T, ctx context.Context, s *harness.Sluice, method, path, body string, answer any) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.HTTP+"/v1/groups/"+g.Group+"/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, answer)
	}
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %.300s %v", method, path, response.StatusCode, text, err)
	}
}

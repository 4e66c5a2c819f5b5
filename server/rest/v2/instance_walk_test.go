package v2_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// walker is a client of REST v2 that behaves at random. It reads, commits, hangs up, starts again under its name, or
// leaves for good and comes back.
type walker struct {
	s    *resttest.Sluice
	name string
	dice *rand.Rand
	seen map[string]bool
}

func (w *walker) path(call string) string { return "/consumers/billing/instances/" + w.name + call }

// ask makes a call that may be refused: another client may have the name's partitions, or the instance may be gone.
func (w *walker) ask(ctx context.Context, method, path, body string) (string, bool) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+w.s.Addr+path, strings.NewReader(body))
	if err != nil {
		w.s.T.Error(err)
		return "", false
	}
	answer, err := w.s.HTTP.Do(r)
	if err != nil {
		return "", false // hung up
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode >= 500 && answer.StatusCode != 503 {
		w.s.T.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	return string(text), err == nil && answer.StatusCode < 300
}

func (w *walker) begin(ctx context.Context) {
	w.ask(ctx, "POST", "/consumers/billing", `{"name":"`+w.name+`","auto.commit.enable":false,"on.conflict":"takeover"}`)
	w.ask(ctx, "POST", w.path("/subscription"), `{"topics":["orders"]}`)
}

func (w *walker) read(ctx context.Context, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	text, ok := w.ask(ctx, "GET", w.path("/records?timeout=200&max_bytes=400"), "")
	var list []resttest.Got
	if !ok || json.Unmarshal([]byte(text), &list) != nil {
		return
	}
	for _, r := range list {
		w.seen[fmt.Sprint(r.Partition, " ", r.Offset)] = true
	}
}

func (w *walker) step(ctx context.Context) {
	switch n := w.dice.IntN(20); {
	case n < 10:
		w.read(ctx, resttest.Patience)
	case n < 11:
		w.read(ctx, time.Duration(w.dice.IntN(3000))*time.Microsecond) // hangs up
		w.begin(ctx)                                                   // who does not know what it got must not commit that
	case n < 17:
		w.ask(ctx, "POST", w.path("/offsets"), "")
	case n < 18:
		w.ask(ctx, "DELETE", w.path(""), "")
		w.begin(ctx)
	default:
		w.begin(ctx)
	}
}

// Every record must be read before it is committed, and all must be committed in the end.
func TestWhateverClientsDoNothingIsLost(t *testing.T) {
	t.Parallel()
	const each = 150
	s := resttest.Start(t, exchange.Options{})
	for p := range 3 {
		for range each {
			s.Talk(resttest.Call("POST", fmt.Sprintf("/topics/orders/partitions/%d", p), `{"records":[{"value":"AAAA"}]}`, 200, `*`))
		}
	}
	ctx, stop := context.WithCancel(resttest.Within(t, 2*resttest.Patience))
	var work sync.WaitGroup
	workers := make([]*walker, 3)
	for i := range workers {
		w := &walker{s, fmt.Sprint("w", i), rand.New(rand.NewPCG(uint64(i), 7)), map[string]bool{}}
		workers[i] = w
		work.Go(func() {
			for w.begin(ctx); ctx.Err() == nil; {
				w.step(ctx)
			}
		})
	}
	resttest.Eventually(t, "everything to be committed", func() bool {
		g := s.Cluster.GroupInfo("billing")
		for p := range int32(3) {
			if g == nil || g.Commits["orders"][p].Offset != each {
				return false
			}
		}
		return true
	})
	stop()
	work.Wait()
	seen := map[string]bool{}
	for _, w := range workers {
		for r := range w.seen {
			seen[r] = true
		}
	}
	if len(seen) < 3*each {
		t.Errorf("%d of %d records were read, and all committed", len(seen), 3*each)
	}
	s.WantBooks()
}

package operations

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The broker inside keeps what was answered over a kill -9: topics that were created by their first use, their records,
// and what groups have committed.
func TestTheEmbeddedBrokerSurvivesKills(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, 2*time.Minute)
	s := start(t, ctx, harness.SluiceOptions{
		Addr: harnesstest.FreeAddr(t), HTTP: harnesstest.FreeAddr(t), Args: []string{"--state-dir", t.TempDir()},
	})
	for round := range 3 {
		group, topic := fmt.Sprintf("g%d", round), fmt.Sprintf("kept.%d", round)
		settleTwo(t, ctx, s, group, topic)
		var err error
		if s, err = s.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		for earlier := range round + 1 {
			wantThird(t, ctx, s, fmt.Sprintf("g%d", earlier), fmt.Sprintf("kept.%d", earlier))
		}
	}
}

// settleTwo produces three records to a new topic, and has a group commit two of them.
func settleTwo(t *testing.T, ctx context.Context, s *harness.Sluice, group, topic string) {
	t.Helper()
	c := connect(t, ctx, s.Addr, group+":w")
	if n, err := c.do("RPUSH", "topics:"+topic, "a", "b", "c"); err != nil || n != int64(3) {
		t.Fatalf("%v %v", n, err)
	}
	for range 2 {
		got, err := c.next("topics:"+topic, "20")
		if err != nil || len(got) != 1 {
			t.Fatalf("%v %v", got, err)
		}
		if n, err := c.do("RPUSH", "acks", got[0].String()); err != nil || n != int64(1) {
			t.Fatalf("%v %v", n, err)
		}
	}
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		text, err := get(ctx, "http://"+s.HTTP+"/v1/groups/"+group+"/offsets")
		if err == nil && !strings.Contains(text, `"committed_offset":2`) {
			err = fmt.Errorf("not committed: %s", text)
		}
		return err
	})
}

func wantThird(t *testing.T, ctx context.Context, s *harness.Sluice, group, topic string) {
	t.Helper()
	c := connect(t, ctx, s.Addr, group+":w")
	got, err := c.next("topics:"+topic, "20")
	if err != nil || len(got) != 1 || got[0].at != 2 {
		t.Errorf("%s of %s got %v %v, want its third record", group, topic, got, err)
	}
	if _, err := c.do("QUIT"); err != nil {
		t.Error(err)
	}
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

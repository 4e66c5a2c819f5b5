package operations

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// Eight threads consume through one pool, whose connections go from hand to hand. Each names itself in the key: nothing is
// lost, and nothing comes twice.
func TestAPoolConsumes(t *testing.T) {
	t.Parallel()
	const threads, records = 8, 400
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, k.Admin, "letters", threads)
	s := start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers()})
	pool := redis.NewClient(&redis.Options{Addr: s.Addr, PoolSize: 2 * threads})
	t.Cleanup(func() { _ = pool.Close() })
	for i := range records {
		if err := pool.RPush(ctx, fmt.Sprintf("topics:letters:k%d", i), fmt.Sprint(i)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	seen := map[string]int{}
	all, done := context.WithCancel(ctx)
	defer done()
	var workers sync.WaitGroup
	for i := range threads {
		workers.Go(func() {
			who := fmt.Sprintf(`{"sluice.group":"app","sluice.name":"w%d"}`, i)
			for all.Err() == nil {
				got, err := pool.Do(ctx, "BLPOP", "topics:letters:"+who, "0.2").Slice()
				if err == redis.Nil { //nolint:errorlint // so go-redis documents it
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				at := fmt.Sprintf("%v:%v:%v", got[1], got[3], got[5])
				if n, err := pool.Do(ctx, "RPUSH", "acks:"+who, at).Int(); n != 1 || err != nil {
					t.Errorf("acknowledged %s: %d, %v", at, n, err)
				}
				mu.Lock()
				seen[got[7].(string)]++
				if len(seen) == records {
					done()
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	for value, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", value, n)
		}
	}
	if len(seen) != records {
		t.Errorf("%d of %d records came", len(seen), records)
	}
	if n, err := pool.LLen(ctx, `topics:letters:{"sluice.group":"app"}`).Result(); n > records || err != nil {
		t.Errorf("LLEN: %d, %v", n, err)
	}
}

// One connection may be so many, and no more: a stranger could be a million.
func TestAConnectionIsNotAnybody(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, time.Minute)
	k := harnesstest.Fake(t, harness.FakeOptions{})
	harnesstest.Topic(t, ctx, k.Admin, "letters", 1)
	s := start(t, ctx, harness.SluiceOptions{Brokers: k.Brokers()})
	c := connect(t, ctx, s.Addr, "")
	const most = 64
	for i := range most + 1 {
		_, err := c.do("BLPOP", fmt.Sprintf(`topics:letters:{"sluice.group":"app","sluice.name":"w%d"}`, i), "0.01")
		if want := "CONS this connection consumes as 64 names already: use fewer names, or another connection"; i == most && (err == nil || err.Error() != want) {
			t.Errorf("as another one: %v", err)
		} else if i < most && err != nil {
			t.Fatalf("as %d: %v", i, err)
		}
	}
	// What another connection of the pool has taken counts no more.
	other := connect(t, ctx, s.Addr, "")
	for _, who := range []struct {
		c    *client
		name string
	}{{other, "w0"}, {c, "more"}} {
		if _, err := who.c.do("BLPOP", fmt.Sprintf(`topics:letters:{"sluice.group":"app","sluice.name":%q}`, who.name), "0.01"); err != nil {
			t.Errorf("as %s: %v", who.name, err)
		}
	}
}

//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A deploy with another topic: worker 1 goes, worker 2 of the same group waits for that topic too, and gets all
// partitions. A subscription that lingered, for an hour here, would keep most of them.
func TestADeployWithAnotherTopic(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	proxy := c.proxy(t, ctx, "consume: {linger: 1h}")
	for _, protocol := range []string{"classic", "consumer"} {
		for how, begin := range map[string]func(*deploy) (got string, leave func()){"quit": (*deploy).quit, "crash": (*deploy).crash, "http": (*deploy).take} {
			t.Run(protocol+", "+how, func(t *testing.T) {
				t.Parallel()
				ctx := harnesstest.Within(t, patience) // it may have waited for its turn
				(&deploy{t: t, ctx: ctx, cluster: c, proxy: proxy, group: protocol + "-" + how, protocol: protocol}).play(begin)
			})
		}
	}
}

// deploy is one group's, which is called as its topic: its old worker consumes that, its new one another topic
// as well.
type deploy struct {
	t               *testing.T
	ctx             context.Context //nolint:containedctx // of one test
	cluster         *cluster
	proxy           *harness.Sluice
	group, protocol string
}

func (d *deploy) play(begin func(*deploy) (got string, leave func())) {
	d.t.Helper()
	for _, topic := range []string{d.group, d.group + "-more"} {
		harnesstest.Topic(d.t, d.ctx, d.cluster.Admin, topic, partitions)
	}
	first := d.produce("first")
	got, leave := begin(d)
	done, worker := newWork(), member(d.t, d.proxy, d.group+":new")
	ctx, stop := context.WithCancel(d.ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = done.consume(ctx, worker, "new", d.key(d.group+","+d.group+"-more")) })
	expectHolding(d.t, d.ctx, d.cluster, d.group, 2)
	leave()
	left := time.Now()
	done.add(got, "old")
	done.expectAll(d.t, d.ctx, append(first, d.produce("second")...))
	d.t.Logf("all partitions have moved %v after the old worker left", time.Since(left))
}

// produce puts a record into each partition.
func (d *deploy) produce(name string) []string {
	d.t.Helper()
	values := numbered(name, partitions)
	for p, value := range values {
		if err := d.cluster.Admin.Produce(d.ctx, d.group, int32(p), nil, value); err != nil {
			d.t.Fatal(err)
		}
	}
	return values
}

func (d *deploy) key(topics string) string {
	return fmt.Sprintf(`topics:%s:{"group.protocol":%q}`, topics, d.protocol)
}

// quit is an old worker that acknowledges one record, and will say goodbye.
func (d *deploy) quit() (got string, leave func()) {
	old, got := d.one()
	return got, func() { _ = old.Do(d.ctx, "QUIT").Err() }
}

// crash is an old worker whose connection will end.
func (d *deploy) crash() (got string, leave func()) {
	old, got := d.one()
	return got, func() { _ = old.Close() }
}

// one is an old worker that has acknowledged the first record that it got.
func (d *deploy) one() (old *redis.Client, got string) {
	d.t.Helper()
	old = member(d.t, d.proxy, d.group+":old")
	r, err := next(d.ctx, old, d.key(d.group), 30)
	if err == nil {
		err = ack(d.ctx, old, r)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return old, r.value
}

// take is an old worker over HTTP: it has a record for five seconds, does nothing with it, and never comes back.
func (d *deploy) take() (got string, leave func()) {
	d.t.Helper()
	query := url.Values{
		"topics": {d.group}, "group.protocol": {d.protocol}, "max": {"1"}, "wait": {"30s"}, "ack_timeout": {"5s"},
	}
	r, err := http.NewRequestWithContext(d.ctx, http.MethodGet, "http://"+d.proxy.HTTP+"/v1/groups/"+d.group+"/messages?"+query.Encode(), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return "", func() {}
}

//go:build kafka

package kafka

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// What brokers refuse costs nobody but who sent it, through both doors.
func TestRefusedBatches(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	s := c.proxy(t, ctx)
	t.Run("a record without key among others", func(t *testing.T) { keylessAmongOthers(t, ctx, c, s) })
	t.Run("buffered, in batches too large", func(t *testing.T) { tooManyAtOnce(t, ctx, c, s) })
	t.Run("delivered, in batches too large", func(t *testing.T) { deepPipelines(t, ctx, c, s) })
	t.Run("a topic that nobody may produce to", func(t *testing.T) { internalTopic(t, ctx, s) })
}

func (c *cluster) topic(t *testing.T, ctx context.Context, name string, properties map[string]string) {
	t.Helper()
	if err := c.Admin.CreateTopicAs(ctx, name, harness.TopicOptions{Partitions: 1, Properties: properties}); err != nil {
		t.Fatal(err)
	}
}

// want holds the log of a topic against what was answered as written: each once, and nothing else.
func (c *cluster) want(t *testing.T, ctx context.Context, topic string, values []string) {
	t.Helper()
	records, err := c.Admin.Records(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, r := range records {
		times[string(r.Value)]++
	}
	for _, v := range values {
		if times[v] != 1 {
			t.Errorf("%.40q is in the log %d times", v, times[v])
		}
	}
	if len(records) != len(values) {
		t.Errorf("%d records are in the log of %s, want %d", len(records), topic, len(values))
	}
}

// A compacted topic takes no record without a key, and its brokers refuse the whole batch.
func keylessAmongOthers(t *testing.T, ctx context.Context, c *cluster, s *harness.Sluice) {
	c.topic(t, ctx, "compacted", map[string]string{"cleanup.policy": "compact"})
	const clients, each = 6, 50
	var wg sync.WaitGroup
	var good []string
	for n := range clients {
		values := numbered(fmt.Sprintf("good-%d", n), each)
		good = append(good, values...)
		wg.Go(func() {
			r := member(t, s, fmt.Sprintf("compacted:%d", n))
			for _, v := range values {
				if err := r.Do(ctx, "RPUSH", "topics:compacted:"+v, v).Err(); err != nil {
					t.Errorf("a good record: %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		r := member(t, s, "compacted:bad")
		for range each {
			if err := r.Do(ctx, "RPUSH", "topics:compacted", "bad").Err(); err == nil || !strings.HasPrefix(err.Error(), "PROD rejected") {
				t.Errorf("a record without key: %v", err)
			}
		}
	})
	wg.Go(func() {
		for range each {
			wantStatus(t, ctx, s, "/v1/topics/compacted/records", "bad", http.StatusUnprocessableEntity)
		}
	})
	wg.Wait()
	c.want(t, ctx, "compacted", good)
}

func random(n, size int) []string {
	values := make([]string, n)
	for i := range values {
		b := make([]byte, size)
		_, _ = rand.Read(b) // never fails
		values[i] = string(b)
	}
	return values
}

// A topic's max.message.bytes bounds the batch, as it is compressed.
var modest = map[string]string{"max.message.bytes": "102400"}

func tooManyAtOnce(t *testing.T, ctx context.Context, c *cluster, s *harness.Sluice) {
	c.topic(t, ctx, "modest", modest)
	values := random(5000, 300)
	r := connection(t, s, "modest:buffered")
	push(t, ctx, r, "RPUSHX", "modest", values)
	if n, err := r.Do(ctx, "DUMP", 30000).Int(); n != 0 || err != nil {
		t.Errorf("DUMP answers %d, %v", n, err)
	}
	c.want(t, ctx, "modest", values)
}

// connection is one connection of a member: what DUMP tells is of that one, and a client may open another.
func connection(t *testing.T, s *harness.Sluice, name string) *redis.Conn {
	t.Helper()
	c := member(t, s, name).Conn()
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// push sends a pipeline of commands with one value each.
func push(t *testing.T, ctx context.Context, r *redis.Conn, command, topic string, values []string) {
	t.Helper()
	p := r.Pipeline()
	for _, v := range values {
		p.Do(ctx, command, "topics:"+topic, v)
	}
	if _, err := p.Exec(ctx); err != nil {
		t.Errorf("%d times %s: %v", len(values), command, err)
	}
}

func deepPipelines(t *testing.T, ctx context.Context, c *cluster, s *harness.Sluice) {
	c.topic(t, ctx, "pipelined", modest)
	var wg sync.WaitGroup
	var all []string
	for n := range 2 {
		values := random(4000, 300)
		all = append(all, values...)
		wg.Go(func() {
			r := connection(t, s, fmt.Sprintf("modest:%d", n))
			for len(values) > 0 {
				push(t, ctx, r, "RPUSH", "pipelined", values[:400])
				values = values[400:]
			}
		})
	}
	wg.Go(func() {
		r := member(t, s, "modest:large")
		for _, v := range random(20, 150_000) {
			err := r.Do(ctx, "RPUSH", "topics:pipelined", v).Err()
			if err == nil || !strings.HasPrefix(err.Error(), "PROD rejected") || !strings.Contains(err.Error(), "max.message.bytes") {
				t.Errorf("a record too large: %v", err)
			}
		}
	})
	wg.Wait()
	c.want(t, ctx, "pipelined", all)
}

func internalTopic(t *testing.T, ctx context.Context, s *harness.Sluice) {
	r := member(t, s, "internal:1")
	// Kafka makes it for the first group.
	if err := r.Do(ctx, "BLPOP", "topics:modest", 30).Err(); err != nil {
		t.Fatal(err)
	}
	err := r.Do(ctx, "RPUSH", "topics:__consumer_offsets", "x").Err()
	if err == nil || !strings.HasPrefix(err.Error(), "PROD rejected: topic __consumer_offsets") {
		t.Errorf("RPUSH answers %v", err)
	}
	wantStatus(t, ctx, s, "/v1/topics/__consumer_offsets/records", "x", http.StatusUnprocessableEntity)
}

func wantStatus(t *testing.T, ctx context.Context, s *harness.Sluice, path, body string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("POST %s: %s, want %d", path, resp.Status, want)
	}
}

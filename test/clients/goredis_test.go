package clients

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestGoRedis(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			d := open(t)
			ctx := harnesstest.Within(t, clientPatience)
			connect := func(name string) *redis.Client {
				c := redis.NewClient(&redis.Options{
					Addr: d.Addr, ClientName: name, Protocol: protocol, PoolSize: 1, MaxRetries: -1,
				})
				t.Cleanup(func() { _ = c.Close() })
				return c
			}
			goRedisProduces(t, ctx, connect(""))
			goRedisConsumes(t, ctx, connect)
			d.expectCommitted(t, "myapp", 2)
			goRedisAdds(t, ctx, connect(""))
			d.expectValues(t, "one", "two", "three", "")
		})
	}
}

func goRedisProduces(t *testing.T, ctx context.Context, c *redis.Client) {
	t.Helper()
	if n, err := c.RPushX(ctx, "topics:greetings", "one").Result(); n != 1 || err != nil {
		t.Fatalf("RPUSHX: %d, %v", n, err)
	}
	if n, err := c.Do(ctx, "DUMP", 10000).Int(); n != 0 || err != nil {
		t.Fatalf("DUMP: %d, %v", n, err)
	}
	if n, err := c.RPush(ctx, "topics:greetings:k", "two").Result(); n != 1 || err != nil {
		t.Fatalf("RPUSH: %d, %v", n, err)
	}
	if err := c.RPushX(ctx, "topics:a/b", "x").Err(); err == nil || !strings.HasPrefix(err.Error(), "PROD ") {
		t.Errorf("a topic with a bad name: %v", err)
	}
	if stats, err := c.HGetAll(ctx, "stats").Result(); err != nil || stats["producer.unflushed.messages"] != "0" {
		t.Errorf("HGETALL stats: %v, %v", stats, err)
	}
	if keys, err := c.Keys(ctx, "topics:*").Result(); err != nil || len(keys) == 0 {
		t.Errorf("KEYS: %v, %v", keys, err)
	}
	pong := redis.NewCmd(ctx, "PING")
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Process(ctx, pong) })
	if err != nil || pong.Val() != "PONG" {
		t.Errorf("transaction: %v, %v", pong.Val(), err)
	}
}

// goRedisAdds produces with XADD: the id says where the record is.
func goRedisAdds(t *testing.T, ctx context.Context, c *redis.Client) {
	t.Helper()
	for sequence, args := range map[string]*redis.XAddArgs{
		"-200000": {Stream: "greetings", Values: []any{"value", "three", "key", "k", "traceparent", "00-1-2-01", "n", 1}},
		"":        {Stream: "nowhere", NoMkStream: true, MaxLen: 10, Approx: true, Limit: 5, Values: []string{"value", "lost"}},
	} {
		id, err := c.XAdd(ctx, args).Result()
		if !strings.HasSuffix(id, sequence) || (sequence == "") != errors.Is(err, redis.Nil) {
			t.Errorf("XADD %s: %q, %v", args.Stream, id, err)
		}
	}
	if id, err := c.XAdd(ctx, &redis.XAddArgs{Stream: "greetings", ID: "1700000000000-*", Values: map[string]any{"n": 2}}).Result(); id != "1700000000000-300000" {
		t.Errorf("XADD at a time: %q, %v", id, err)
	}
	if id, err := c.XAdd(ctx, &redis.XAddArgs{Stream: "greetings", ID: "1-1", Values: []string{"value", "x"}}).Result(); err == nil || !strings.HasPrefix(err.Error(), "ERR the id of an entry") {
		t.Errorf("XADD with an id: %q, %v", id, err)
	}
}

func goRedisConsumes(t *testing.T, ctx context.Context, connect func(string) *redis.Client) {
	t.Helper()
	if err := connect("").BLPop(ctx, time.Second, "topics:greetings").Err(); err == nil || !strings.HasPrefix(err.Error(), "CONS ") {
		t.Errorf("BLPOP without a name: %v", err)
	}
	c := connect("myapp:worker-1")
	expectRecord(t, c.Do(ctx, "BLPOP", "topics:greetings", 2.5), 0, "one")
	if n, err := c.RPush(ctx, "acks", "greetings:0:0").Result(); n != 1 || err != nil {
		t.Errorf("ack: %d, %v", n, err)
	}
	expectRecord(t, c.Do(ctx, "BLPOP", "topics:greetings", "2.5"), 1, "two")

	// The connection ends without an ack: the record comes again.
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = connect("myapp:worker-1")
	expectRecord(t, c.Do(ctx, "BLPOP", "topics:greetings", 2.5), 1, "two")
	if err := c.BLPop(ctx, time.Second, "topics:greetings").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("BLPOP with nothing there: %v", err)
	}
	if n, err := c.RPush(ctx, "acks", "greetings:0:1").Result(); n != 1 || err != nil {
		t.Errorf("ack: %d, %v", n, err)
	}
	if err := c.Do(ctx, "BLPOP", "topics:greetings", "soon").Err(); err == nil || err.Error() != "ERR timeout is not a float or out of range" {
		t.Errorf("BLPOP with a bad timeout: %v", err)
	}

	// The typed call: eight strings, whatever they were.
	typed := connect("typed:w")
	got, err := typed.BLPop(ctx, 4*time.Second, "topics:greetings").Result()
	if want := "[topic greetings partition 0 offset 0 value one]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("BLPop: %v, %v", got, err)
	}
}

func expectRecord(t *testing.T, cmd *redis.Cmd, offset int64, value string) {
	t.Helper()
	got, err := cmd.Slice()
	want := []any{"topic", "greetings", "partition", int64(0), "offset", offset, "value", value}
	if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
		t.Errorf("BLPOP: %#v, %v; want %#v", got, err, want)
	}
}

//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The id that XADD answers is the record's position, and its time as the brokers keep it.
func TestIDsOfEntriesSayWhereRecordsAre(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 1)
	s := c.proxy(t, ctx)
	for _, by := range []string{"CreateTime", "LogAppendTime"} {
		t.Run(by, func(t *testing.T) { entriesByTime(t, ctx, c, s, by) })
	}
}

// entries is how many are added at once.
const entries = 200

func entriesByTime(t *testing.T, ctx context.Context, c *cluster, s *harness.Sluice, by string) {
	properties := map[string]string{"message.timestamp.type": by}
	if err := c.Admin.CreateTopicAs(ctx, by, harness.TopicOptions{Partitions: 3, Properties: properties}); err != nil {
		t.Fatal(err)
	}
	before := time.Now().UnixMilli()
	answers, err := member(t, s, "").Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range entries {
			p.XAdd(ctx, &redis.XAddArgs{Stream: by, ID: fmt.Sprintf("%d-*", 1_700_000_000_000+i), Values: []any{"value", i, "key", i % 7, "number", i}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	records, err := c.Admin.Records(ctx, by)
	if err != nil || len(records) != entries {
		t.Fatalf("%d records, %v", len(records), err)
	}
	partitions := map[int32]bool{}
	for _, r := range records {
		partitions[r.Partition] = true
		var i int
		if _, err := fmt.Sscan(string(r.Value), &i); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%d-%d", r.Timestamp.UnixMilli(), r.Offset*100_000+int64(r.Partition))
		if got := answers[i].(*redis.StringCmd).Val(); got != want {
			t.Errorf("entry %d: its id is %s, want %s", i, got, want)
		}
		if len(r.Headers) != 1 || r.Headers[0].Key != "number" || string(r.Headers[0].Value) != string(r.Value) {
			t.Errorf("entry %d: its headers are %v", i, r.Headers)
		}
		if chosen := r.Timestamp.UnixMilli() == 1_700_000_000_000+int64(i); chosen != (by == "CreateTime") || !chosen && r.Timestamp.UnixMilli() < before {
			t.Errorf("entry %d: its time is %v", i, r.Timestamp)
		}
	}
	if len(partitions) != 3 {
		t.Errorf("the records are in partitions %v only", partitions)
	}
}

//go:build kafka

package kafka

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A dead-letter topic needs the rights that docs/failures.md lists, and no others. One that is missing is named before anything of
// the topic is consumed, and given without a restart.
func TestSecuredDeadLetters(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startSecured(t, ctx)
	const topic, group, letters = "watched", "watchers", "dlq.watched.watchers"
	harnesstest.Topic(t, ctx, c.Admin, topic, 2)
	plain := c.logins()[0]
	if err := c.Admin.Allow(ctx, plain.user, needed(topic, group)...); err != nil {
		t.Fatal(err)
	}
	s := c.as(t, ctx, plain, "groups: {watchers: {topics: {watched: {dead_letter: {}}}}}")
	r := member(t, s, group+":1")
	if err := r.RPush(ctx, "topics:"+topic, "poison").Err(); err != nil {
		t.Fatal(err)
	}
	refused := func(advice string) {
		t.Helper()
		harnesstest.Until(t, ctx, func(ctx context.Context) error {
			_, err := next(ctx, r, "topics:"+topic, 10)
			if said := fmt.Sprint(err); !strings.HasPrefix(said, "CONS dead-letter topic "+letters) || !strings.Contains(said, advice) {
				return fmt.Errorf("BLPOP says %s", said)
			}
			return nil
		})
	}
	allow := func(operations ...kmsg.ACLOperation) {
		t.Helper()
		if err := c.Admin.Allow(ctx, plain.user, harness.TopicRights(letters, operations...)...); err != nil {
			t.Fatal(err)
		}
	}
	refused("give sluice Write on it, and Create if it does not exist")
	allow(kmsg.ACLOperationWrite)
	refused("create it, or give sluice Create on the topic")
	allow(kmsg.ACLOperationCreate, kmsg.ACLOperationDescribeConfigs)
	var got record
	harnesstest.Until(t, ctx, func(context.Context) (err error) {
		got, err = next(ctx, r, "topics:"+topic, 10)
		return err
	})
	if n, err := r.RPush(ctx, "rejects", fmt.Sprintf("%s:%d:%d", got.topic, got.partition, got.offset)).Result(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if all := recordsOf(t, ctx, &cluster{c.KafkaCluster}, letters); len(all) != 1 || string(all[0].Value) != "poison" {
		t.Errorf("%d dead letters", len(all))
	}
	if n, err := c.Admin.Partitions(ctx, letters); n != 2 || err != nil {
		t.Errorf("%s has %d partitions, %v", letters, n, err)
	}
}

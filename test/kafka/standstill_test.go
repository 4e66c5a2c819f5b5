//go:build kafka

package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// Brokers that stand still for longer than anybody waits, and then go on where they were, have buffered records once.
func TestBrokersThatStandStill(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	c := startCluster(t, ctx, 3)
	harnesstest.Topic(t, ctx, c.Admin, "still", 3)
	s := c.proxy(t, ctx)
	r := connection(t, s, "still:buffered")
	var want []string
	// One connection may have 20 000 records under way (produce.in_flight).
	sendFor := func(long time.Duration) {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for end := time.After(long); ; {
			batch := numbered(fmt.Sprint(len(want)), 20)
			want = append(want, batch...)
			push(t, ctx, r, "RPUSHX", "still", batch)
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	}
	all := func(do func(*harness.KafkaNode) error) {
		for _, node := range c.Nodes {
			if err := do(node); err != nil {
				t.Fatal(err)
			}
		}
	}
	sendFor(3 * time.Second)
	all((*harness.KafkaNode).Pause)
	sendFor(40 * time.Second)
	all((*harness.KafkaNode).Resume)
	sendFor(5 * time.Second)
	if n, err := r.Do(ctx, "DUMP", 60000).Int(); n != 0 || err != nil {
		t.Errorf("DUMP answers %d, %v", n, err)
	}
	c.want(t, ctx, "still", want)
}

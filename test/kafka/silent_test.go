//go:build kafka

package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// silence is a cluster of three of which one is about to be silent, with topics that only one node has.
type silence struct {
	*cluster
	topics [4][]string // by the node that leads them
}

func startSilence(t *testing.T, ctx context.Context) *silence {
	t.Helper()
	k := harnesstest.Kafka(t, ctx, harness.KafkaOptions{Nodes: 3, Properties: map[string]string{
		"default.replication.factor": "1", "min.insync.replicas": "1",
		"broker.session.timeout.ms": "120000", // the others believe that it is there
	}})
	s := &silence{cluster: &cluster{k}}
	for n := range 45 {
		name := fmt.Sprintf("topic%d", n)
		harnesstest.Topic(t, ctx, k.Admin, name, 1)
		var leaders []int
		harnesstest.Until(t, ctx, func(ctx context.Context) (err error) { // nodes learn of it one after the other
			leaders, err = k.Admin.Leaders(ctx, name)
			return err
		})
		s.topics[leaders[0]] = append(s.topics[leaders[0]], name)
	}
	return s
}

// of takes topics that nobody has used yet and that all nodes but one lead.
func (s *silence) of(others, n int) (names []string) {
	for node := range s.topics {
		if node == others {
			continue
		}
		n := min(n, len(s.topics[node]))
		names = append(names, s.topics[node][:n]...)
		s.topics[node] = s.topics[node][n:]
	}
	return names
}

// One silent broker of three, whichever it is, costs only the topics that it leads.
func TestOneSilentBroker(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	k := startSilence(t, ctx)
	s := k.proxy(t, ctx)
	ready(t, ctx, s, "\"ready\": true")
	// Brokers get blocks of producer ids from the controller: without an id none could be had from a silent one for 30 s.
	if err := member(t, s, "").RPush(ctx, "topics:"+k.topics[1][0], "first").Err(); err != nil {
		t.Fatal(err)
	}
	for _, node := range k.Nodes {
		if err := node.Pause(); err != nil {
			t.Fatal(err)
		}
		c := member(t, s, "")
		for _, topic := range k.of(node.ID, 3) {
			if err := c.RPush(ctx, "topics:"+topic, "x").Err(); err != nil {
				t.Errorf("node %d is silent, %s: %v", node.ID, topic, err)
			}
		}
		ready(t, ctx, s, fmt.Sprintf("%d at %s", node.ID, node.Addr))
		out, err := exec.CommandContext(ctx, harnesstest.Binary(), "topics", "--brokers", strings.Join(k.Brokers(), ",")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "topic44") {
			t.Errorf("node %d is silent, topics: %v\n%s", node.ID, err, out)
		}
		if err := node.Resume(); err != nil {
			t.Fatal(err)
		}
		ready(t, ctx, s, "\"reasons\": []\n")
	}
	if strings.Contains(s.Output(), "no broker answers") {
		t.Error("two brokers did")
	}
}

// ready waits until /readyz is 200 and says so; it is never anything else after the first time.
func ready(t *testing.T, ctx context.Context, s *harness.Sluice, says string) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		status, body, err := s.Get(ctx, "/readyz")
		switch {
		case err != nil:
			return err
		case status != http.StatusOK && !strings.Contains(body, "asked yet"):
			t.Errorf("%d %s", status, body)
		case !strings.Contains(body, says):
			return errors.New(body)
		}
		return nil
	})
}

// Topics of healthy brokers take RPUSHX while eight clients fill what the silent one's may have of the queue.
func TestASilentBrokerLeavesRoomForTheOthers(t *testing.T) {
	t.Parallel()
	ctx := harnesstest.Within(t, patience)
	k := startSilence(t, ctx)
	s := k.proxy(t, ctx)
	silent := k.Nodes[1]
	stuck, healthy := k.topics[silent.ID][0], k.of(silent.ID, 1)[0]
	c := member(t, s, "")
	for _, topic := range []string{stuck, healthy} {
		if err := c.RPush(ctx, "topics:"+topic, "first").Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := silent.Pause(); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 8)
	for range 8 {
		go func() { refused <- fillUp(ctx, member(t, s, ""), stuck) }()
	}
	for range 8 {
		if err := <-refused; err == nil || !strings.Contains(err.Error(), "its share of the queue") {
			t.Errorf("the silent broker's topic: %v", err)
		}
	}
	for range 20 {
		if err := pipelined(ctx, c, healthy); err != nil {
			t.Errorf("a healthy broker's topic: %v", err)
		}
	}
	if err := silent.Resume(); err != nil {
		t.Fatal(err)
	}
}

// fillUp produces to a topic until a record is refused, which it returns.
func fillUp(ctx context.Context, c *redis.Client, topic string) error {
	for range 1000 {
		if err := pipelined(ctx, c, topic); err != nil {
			return err
		}
	}
	return nil
}

// pipelined buffers a thousand records at once.
func pipelined(ctx context.Context, c *redis.Client, topic string) error {
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for range 1000 {
			p.RPushX(ctx, "topics:"+topic, "a record of some length")
		}
		return nil
	})
	return err
}

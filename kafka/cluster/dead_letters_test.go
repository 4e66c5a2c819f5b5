package cluster

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

const orders, deadOrders = "orders", "dlq.orders.billing"

func TestADeadLetterTopicIsCreated(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, orders))
	c := openOn(t, k.ListenAddrs())
	for range 2 {
		if err := c.EnsureDeadLetters(kafkatest.Bounded(t), orders, deadOrders); err != nil {
			t.Fatal(err)
		}
	}
	made := k.TopicInfo(deadOrders)
	for name, want := range map[string]string{"cleanup.policy": "delete", "retention.ms": "2592000000"} {
		if v := made.Configs[name]; v == nil || *v != want {
			t.Errorf("%s is %v, want %s", name, v, want)
		}
	}
	shape, err := c.TopicShape(kafkatest.Bounded(t), deadOrders)
	if want := (Shape{Partitions: 3, Largest: 1048588}); shape != want || err != nil {
		t.Errorf("%+v %v, want %+v", shape, err, want)
	}
}

func TestSluicesCreateADeadLetterTopicAtOnce(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, orders))
	var all sync.WaitGroup
	for range 4 {
		c := openOn(t, k.ListenAddrs())
		all.Go(func() {
			if err := c.EnsureDeadLetters(kafkatest.Bounded(t), orders, deadOrders); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// What another sluice has created meanwhile is looked at as if it had always been there.
func TestADeadLetterTopicThatAppearsMeanwhileIsChecked(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]error{"delete": nil, "compact": kerr.ErrUnusable} {
		k := kafkatest.Brokers(t, kfake.SeedTopics(3, orders))
		c := openOn(t, k.ListenAddrs())
		k.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
			if err := k.CreateTopic(deadOrders, 1, map[string]string{"cleanup.policy": policy}); err != nil {
				t.Error(err)
			}
			return nil, nil, false // it exists already, the broker says
		})
		kafkatest.WantError(t, c.EnsureDeadLetters(kafkatest.Bounded(t), orders, deadOrders), want)
	}
}

func TestACompactedTopicIsRefused(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"compact", "compact,delete"} {
		k := kafkatest.Brokers(t, kfake.SeedTopics(3, orders))
		if err := k.CreateTopic(deadOrders, 1, map[string]string{"cleanup.policy": policy}); err != nil {
			t.Fatal(err)
		}
		c := openOn(t, k.ListenAddrs())
		kafkatest.WantError(t, c.EnsureDeadLetters(kafkatest.Bounded(t), orders, deadOrders), kerr.ErrUnusable,
			"dead-letter topic dlq.orders.billing cannot be used: it is compacted (cleanup.policy="+policy+"), and records of it would vanish; "+
				"set cleanup.policy=delete, or name another topic in dead_letter of orders")
	}
}

func TestSettingsThatMayNotBeReadAreNoted(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(3, orders))
	c := openOn(t, k.ListenAddrs())
	log := &bytes.Buffer{}
	c.log = slog.New(slog.NewTextHandler(log, nil))
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: wireerr.TopicAuthorizationFailed, Count: -1})
	for _, name := range []string{deadOrders, "dlq.orders.shipping", deadOrders} {
		if err := c.EnsureDeadLetters(kafkatest.Bounded(t), orders, name); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), deadOrders) {
		t.Errorf("it is said %d times: %s", n, log)
	}
	shape, err := c.TopicShape(kafkatest.Bounded(t), deadOrders)
	if want := (Shape{Partitions: 3}); shape != want || err != nil {
		t.Errorf("%+v %v, want %+v", shape, err, want)
	}
}

func TestWhyThereIsNoDeadLetterTopic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		key                kmsg.Key
		fault              *wireerr.Error
		source, deadLetter string
		want               error
		says               string
	}{
		{"denied", kmsg.CreateTopics, wireerr.TopicAuthorizationFailed, orders, deadOrders, kerr.ErrDenied, "create it, or give sluice Create"},
		{"policy", kmsg.CreateTopics, wireerr.PolicyViolation, orders, deadOrders, kerr.ErrRefused, "name another topic in dead_letter of orders"},
		{"quota", kmsg.CreateTopics, wireerr.ThrottlingQuotaExceeded, orders, deadOrders, kerr.ErrNotNow, "cannot be created"},
		{"no source", kmsg.CreateTopics, nil, "missing", deadOrders, kerr.ErrNoTopic, "of its source: topic missing"},
		{"itself", kmsg.CreateTopics, nil, orders, orders, kerr.ErrUnusable, "whose records are given up"},
		{"name", kmsg.CreateTopics, nil, orders, "a b", kerr.ErrUnusable, `dead-letter topic "a b" cannot be used`},
		{"long name", kmsg.CreateTopics, nil, orders, strings.Repeat("a", 300), kerr.ErrUnusable, "1 to 249"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, orders))
			if c.fault != nil {
				k.Fault(kfake.Fault{Keys: []kmsg.Key{c.key}, Err: c.fault, Count: -1})
			}
			err := openOn(t, k.ListenAddrs()).EnsureDeadLetters(kafkatest.Bounded(t), c.source, c.deadLetter)
			kafkatest.WantError(t, err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

func TestADeadLetterTopicWithoutBrokers(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, orders))
	c := openOn(t, k.ListenAddrs())
	k.Close()
	kafkatest.WantError(t, c.EnsureDeadLetters(kafkatest.Briefly(t), orders, deadOrders), kerr.ErrNoAnswer)
}

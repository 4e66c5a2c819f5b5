package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestQuestionsForGroupsEndWithoutBrokers(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	if _, err := c.Groups(kafkatest.Bounded(t)); err != nil {
		t.Fatal(err)
	}
	k.Close()
	for name, ask := range map[string]func() error{
		"groups": func() error { _, err := c.Groups(kafkatest.Briefly(t)); return err },
		"group":  func() error { _, err := c.Group(kafkatest.Briefly(t), "g"); return err },
		"committed": func() error {
			_, err := c.committed(kafkatest.Briefly(t), "g", []record.TopicPartition{{Topic: "letters", Partition: 0}})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, kerr.ErrNoAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACommitWithoutAnAnswerMayBeDone(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	k.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		return nil, nil, true
	})
	err := c.WithOffsetClient(kafkatest.Briefly(t), "g", func(e *OffsetClient) error {
		return e.Commit(kafkatest.Briefly(t), []record.PartitionOffset{{TopicPartition: record.TopicPartition{Topic: "letters", Partition: 0}, Offset: 0}})
	})
	kafkatest.WantError(t, err, kerr.ErrMaybe)
	for range mostOffsetClients { // its place is free again
		select {
		case c.offsetSlots <- struct{}{}:
		case <-time.After(kafkatest.Patience):
			t.Fatal("an envoy did not come back")
		}
	}
	err = c.WithOffsetClient(kafkatest.Briefly(t), "g", func(*OffsetClient) error { return nil })
	kafkatest.WantError(t, err, kerr.ErrNoAnswer)
}

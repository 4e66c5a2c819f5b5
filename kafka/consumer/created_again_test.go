package consumer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

// createAgain deletes the topic, once its id is known, and creates it again after a while, with so many new records.
func createAgain(t *testing.T, k *kfake.Cluster, c *engine, gap time.Duration, records int) {
	t.Helper()
	kafkatest.Eventually(t, "the topic's id", func() bool {
		return everywhere(c, func(s *subscription) bool { return s.history.logs["letters"] != nil })
	})
	if err := k.DeleteTopic("letters"); err != nil {
		t.Fatal(err)
	}
	<-time.After(gap) // what consumers see of the topic meanwhile depends on the gap
	if err := k.CreateTopic("letters", 1, nil); err != nil {
		t.Fatal(err)
	}
	fill(t, c, "letters", records)
}

// The log of a topic that was created again is a new log. Acknowledgements for records of the old log count for nothing.
// No new record is left out. The group is committed in the new log at once.
func TestATopicCreatedAgainBeginsAnew(t *testing.T) {
	t.Parallel()
	for _, gap := range []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second} {
		for _, records := range []int{20, 1000} {
			t.Run(fmt.Sprint(gap, records), func(t *testing.T) {
				t.Parallel()
				k, c := lettersOn(t, 500, func(cfg *config.Config) { cfg.Consume.CommitInterval = 200 * time.Millisecond })
				w := join(t, c, "a", topicsOf("letters"))
				w.take(t, 300)
				w.AcceptThrough(letters, 299)
				committed(t, k, "letters", 300)
				w.take(t, 100) // the member owes these, and settles them after the log has gone
				createAgain(t, k, c, gap, records)
				w.AcceptThrough(letters, 399)
				committed(t, k, "letters", 0)
				if w.AcceptThrough(letters, 399) != 0 {
					t.Error("records of the old log are still owed")
				}
				eachOnce(t, w, records)
				committed(t, k, "letters", int64(records))
				wantLeasesBalanced(t, c)
			})
		}
	}
}

// eachOnce takes and settles all records up to a number, and wants each of them.
func eachOnce(t *testing.T, w *worker, records int) {
	t.Helper()
	seen := map[int64]bool{}
	for len(seen) < records {
		for _, d := range w.next(t, 100) {
			if d.Offset >= int64(records) {
				continue // a record of the old log
			}
			seen[d.Offset] = true
			w.Accept(letters, d.Offset)
		}
	}
}

// librdkafka ignores metadata with a lower leader epoch. The epochs of a topic that was created again begin at 0. It
// would look for the new records at the old leaders.
func TestATopicCreatedAgainHasLeadersOfItsOwn(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.NumBrokers(3), kfake.SeedTopics(4, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	for p := range int32(4) {
		for node := range int32(6) {
			if err := k.MoveTopicPartition("letters", p, (node+p)%3); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := join(t, c, "a", topicsOf("letters"))
	for range 2 {
		fill(t, c, "letters", 200)
		for taken := 0; taken < 200; taken++ {
			d := w.next(t, 1)[0]
			w.Accept(d.TopicPartition, d.Offset)
		}
		if err := errors.Join(k.DeleteTopic("letters"), k.CreateTopic("letters", 4, nil)); err != nil {
			t.Fatal(err)
		}
	}
	wantLeasesBalanced(t, c)
}

package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestSeekingGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 2000, never)
	w := join(t, c, "a", topicsOf("letters"))
	if err := w.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 1500}}); err != nil { // as soon as it is assigned
		t.Fatal(err)
	}
	wantTaken(t, w.take(t, 3), 1500, 1501, 1502)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 1502}}); err != nil {
		t.Fatal(err)
	}
	w.take(t, 3)
	if err := w.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 10}}); err != nil {
		t.Fatal(err)
	}
	if w.Owed() != 0 || w.Accept(letters, 1503) {
		t.Error("what was held before the seek is still owed")
	}
	wantCommitted(t, k, 1503)
	wantTaken(t, w.take(t, 3), 10, 11, 12)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 12}}); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 13)
	wantLeasesBalanced(t, c)
}

// wantLeasesBalanced checks that every lease has an end, or a member holds the record.
func wantLeasesBalanced(t *testing.T, c *engine) {
	t.Helper()
	for _, row := range c.Consumed() {
		if row.Lent != row.Accepted+row.Released+row.Rejected+row.Leased {
			t.Errorf("the leases do not balance: %+v", row)
		}
	}
}

// What is settled after a seek back is committed, also without a call of Commit.
func TestAfterASeekBackPositionsAreCommitted(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 100, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 50)
	w.AcceptThrough(letters, 49)
	committed(t, k, "letters", 50)
	if err := w.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 0}}); err != nil {
		t.Fatal(err)
	}
	w.take(t, 5)
	w.AcceptThrough(letters, 4)
	committed(t, k, "letters", 5)
	w.take(t, 5)
	w.AcceptThrough(letters, 9)
	committed(t, k, "letters", 10)
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 10)
}

func TestSeekingIsForWhatNobodyElseHolds(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters"))
	c := openOn(t, k.ListenAddrs(), never)
	fill(t, c, "letters", 200)
	a, b := join(t, c, "a", topicsOf("letters")), join(t, c, "b", topicsOf("letters"))
	of := a.next(t, 1)[0].TopicPartition
	other := b.next(t, 1)[0].TopicPartition
	if of == other {
		t.Fatalf("both hold records of %s", of)
	}
	if err := a.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: of, Offset: 5}, {TopicPartition: other, Offset: 5}}); !errors.Is(err, kerr.ErrNotHere) {
		t.Errorf("another's: %v", err)
	}
	if err := a.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: record.TopicPartition{Topic: "letters", Partition: 9}, Offset: 5}}); !errors.Is(err, kerr.ErrNotHere) {
		t.Errorf("nobody's: %v", err)
	}
	if a.Owed() != 1 || b.Owed() != 1 {
		t.Errorf("a owes %d and b %d records, want 1 each: nothing was to move", a.Owed(), b.Owed())
	}
	if err := a.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: of, Offset: 5}}); err != nil {
		t.Fatal(err)
	}
	if d := a.next(t, 1)[0]; d.TopicPartition != of || d.Offset != 5 {
		t.Errorf("got %s at %d", d.TopicPartition, d.Offset)
	}
	if !b.Accept(other, 0) {
		t.Error("a seek took another member's record")
	}
	wantLeasesBalanced(t, c)
}

func TestAGroupIsMovedAndCommitted(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 100, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 50)
	w.AcceptThrough(letters, 29)
	committed(t, k, "letters", 30)
	away := record.TopicPartition{Topic: "letters", Partition: 3}
	for _, at := range []int64{10, 80} {
		elsewhere, err := c.Seek(kafkatest.Bounded(t), "group", []record.PartitionOffset{{TopicPartition: letters, Offset: at}, {TopicPartition: away, Offset: 1}})
		if err != nil || len(elsewhere) != 1 || elsewhere[0].TopicPartition != away {
			t.Fatalf("%v %v", elsewhere, err)
		}
		wantCommitted(t, k, at)
		wantTaken(t, w.take(t, 2), at, at+1)
	}
	if elsewhere, err := c.Seek(kafkatest.Bounded(t), "strangers", []record.PartitionOffset{{TopicPartition: letters, Offset: 0}}); err != nil || len(elsewhere) != 1 {
		t.Errorf("a group that is not served: %v %v", elsewhere, err)
	}
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 80)
}

func TestASeekThatNobodyWaitsForIsDropped(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 5, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Seek(ctx, []record.PartitionOffset{{TopicPartition: letters, Offset: 0}}); !errors.Is(err, kerr.ErrNoAnswer) {
		t.Error(err)
	}
	w.quiet(t, 100*time.Millisecond)
	if w.Owed() != 5 {
		t.Errorf("owes %d", w.Owed())
	}
}

const readCommitted = 1 // an isolation level of Kafka's protocol: only consumers ask with it

// A seek holds while librdkafka waits to hear where the log begins or ends: it does not go there afterwards.
func TestASeekHoldsWhileTheLogsBoundIsAsked(t *testing.T) {
	t.Parallel()
	for _, reset := range []string{"earliest", "latest"} {
		t.Run(reset, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 5, nil)
			asked, sought, filled := make(chan bool, 16), make(chan bool), make(chan bool)
			k.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
				k.KeepControl()
				if r.(*kmsg.ListOffsetsRequest).IsolationLevel == readCommitted {
					until := sought
					select {
					case <-sought:
						until = filled
					default:
					}
					asked <- true
					k.SleepControl(func() { <-until })
				}
				return nil, nil, false
			})
			w := join(t, c, "a", starting(reset))
			<-asked
			if err := w.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 3}}); err != nil {
				t.Error(err)
			}
			close(sought)
			wantTaken(t, w.take(t, 2), 3, 4)
			<-asked
			fill(t, c, "letters", 2)
			close(filled)
			wantTaken(t, w.take(t, 2), 5, 6)
			wantLeasesBalanced(t, c)
		})
	}
}

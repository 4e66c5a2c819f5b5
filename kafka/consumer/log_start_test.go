package consumer

import (
	"errors"
	"strings"
	"testing"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// placed has the group commit an offset, whether or not the log holds it.
func placed(t *testing.T, c *engine, at int64) {
	t.Helper()
	if err := commitAs(t, c, "group", record.PartitionOffset{TopicPartition: letters, Offset: at}); err != nil {
		t.Fatal(err)
	}
}

// starting is topicsOf letters with an auto.offset.reset.
func starting(reset string) SubscribeOptions {
	in := topicsOf("letters")
	in.Overrides = config.Properties{"auto.offset.reset": reset}
	return in
}

// wantSkipped waits until so many records are counted as skipped.
func wantSkipped(t *testing.T, c *engine, want int64) {
	t.Helper()
	kafkatest.Eventually(t, "what was skipped to be counted", func() bool {
		for _, row := range c.Consumed() {
			if row.Topic == "letters" && row.Skipped == want {
				return true
			}
		}
		return want == 0
	})
	wantLeasesBalanced(t, c)
}

// The log ends before what is committed: it was restored or truncated, or somebody set the offset. After a crash the
// records that come now must not count as done. So the lower offset is committed before anything is settled.
func TestCommitsGoDownWhenTheLogDid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reset string
		records     int
		at          int64
	}{
		{"records", "earliest", 10, 0},
		{"an empty log", "earliest", 0, 0},
		{"the end", "latest", 10, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, tt.records, never)
			placed(t, c, 50)
			w := join(t, c, "a", starting(tt.reset))
			committed(t, k, "letters", tt.at)
			fill(t, c, "letters", 10)
			wantTaken(t, w.take(t, 2), tt.at, tt.at+1)
			w.AcceptThrough(letters, tt.at)
			if err := shut(c, kafkatest.Patience); err != nil {
				t.Fatal(err)
			}
			wantCommitted(t, k, tt.at+1)
		})
	}
}

// A commit of a lower offset is tried until the brokers have it: commits fail while a coordinator moves.
func TestACommitDownIsTriedAgain(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, never)
	placed(t, c, 50)
	refused := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.GroupAuthorizationFailed, Count: 1})
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	committed(t, k, "letters", 0)
	if refused.Hits() != 1 {
		t.Errorf("%d commits were refused", refused.Hits())
	}
}

// A commit of the old offset may end after the log has gone back.
func TestACommitThatWasUnderWayIsPutRight(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	if _, err := c.Seek(kafkatest.Bounded(t), "group", []record.PartitionOffset{{TopicPartition: letters, Offset: 2}}); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 2)
	if err := w.sub.call(kafkatest.Bounded(t), func(done chan<- error) {
		late := committing{f: w.sub.partitions[letters], settlements: ledger.Settlements{Position: 5}}
		if _, err := w.sub.begin(map[record.TopicPartition]committing{letters: late}, 0, done); err != nil {
			done <- err
		}
	}); err != nil {
		t.Fatal(err)
	}
	committed(t, k, "letters", 2)
}

// Retention deletes records while a member is at work. Those that librdkafka holds are lent once. The others are counted
// as skipped once.
func TestRetentionPassesAMemberAtWork(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 100, func(cfg *config.Config) {
		cfg.Consume.WindowRecords = 7
		cfg.Consumer = config.Properties{"queued.min.messages": "50", "auto.commit.interval.ms": "100"}
	})
	w := join(t, c, "a", topicsOf("letters"))
	lent := w.next(t, 7)
	fill(t, c, "letters", 400) // librdkafka holds enough records for now
	if err := k.DeleteRecords("letters", 0, 300); err != nil {
		t.Fatal(err)
	}
	last, taken := int64(-1), int64(0)
	for {
		for _, d := range lent {
			if d.Offset <= last || d.Attempt > 1 {
				t.Fatalf("offset %d, attempt %d, after %d", d.Offset, d.Attempt, last)
			}
			last = d.Offset
			taken++
			w.Accept(letters, d.Offset)
		}
		if last == 499 {
			break
		}
		lent = w.next(t, 7)
	}
	if taken < 300 {
		t.Errorf("%d records came, want at least the first 100 and the last 200", taken)
	}
	wantSkipped(t, c, 500-taken)
}

func TestSkippedRecordsAreCounted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reset       string
		next, count int64
	}{
		{"earliest", 1500, 1400},
		{"latest", 2000, 1900},
	} {
		t.Run(tt.reset, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 2000, nil)
			placed(t, c, 100)
			if err := k.DeleteRecords("letters", 0, 1500); err != nil {
				t.Fatal(err)
			}
			w := join(t, c, "a", starting(tt.reset))
			if tt.reset == "latest" {
				waitGroup(t, k, "a member", func(g *kfake.GroupInfo) bool { return len(g.Members) == 1 })
				kafkatest.Eventually(t, "a record at the end", func() bool {
					fill(t, c, "letters", 1)
					lent, err := w.Next(1, 1<<20, nil)
					return err != nil || len(lent) > 0
				})
				if row := c.Consumed()[0]; row.Skipped < tt.count {
					t.Errorf("skipped %d, want at least %d", row.Skipped, tt.count)
				}
				return
			}
			wantTaken(t, w.take(t, 2), tt.next, tt.next+1)
			wantSkipped(t, c, tt.count)
		})
	}
}

// Retention deletes all records of a log while a consumer is at work.
func TestAnEmptiedLogIsNoticed(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 100, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 100)
	w.AcceptThrough(letters, 99)
	committed(t, k, "letters", 100)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: wireerr.NotLeaderForPartition, Count: 20}) // the consumer sees none of the next records
	fill(t, c, "letters", 50)
	if err := k.DeleteRecords("letters", 0, 150); err != nil {
		t.Fatal(err)
	}
	committed(t, k, "letters", 150)
	wantSkipped(t, c, 50)
}

// Records that compaction has removed do not count as skipped.
func TestGapsAreNotSkippedRecords(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t)
	if err := k.CreateTopic("letters", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	c := openOn(t, k.ListenAddrs(), nil)
	kafkatest.Produce(t, c, &kgo.Record{Topic: "letters", Key: []byte("a key of its own"), Value: []byte("stays")})
	for range 20 {
		fill(t, c, "letters", 100) // of the same keys, in batches of their own
	}
	placed(t, c, 1)
	k.Compact()
	w := join(t, c, "a", topicsOf("letters"))
	for {
		lent := w.next(t, 1000)
		if last := lent[len(lent)-1].Offset; last == 2000 {
			break
		}
		w.AcceptThrough(letters, lent[len(lent)-1].Offset)
	}
	for _, row := range c.Consumed() {
		if row.Skipped != 0 || row.Fetched > 1999 {
			t.Errorf("%+v", row)
		}
	}
}

// With auto.offset.reset=error an operator says where to go on. Nothing is lent and nothing is committed before.
func TestOutOfRangeIsSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		committed, begins int64
		says              string
	}{
		{"the log begins behind it", 1, 600, "offset 1 of letters:0 is out of range 600-1000, and auto.offset.reset is error"},
		{"the log ends before it", 5000, 0, "offset 5000 of letters:0 is out of range 0-1000, and auto.offset.reset is error"},
		{"nothing was committed", -1, 0, "the group has no committed offset, and auto.offset.reset is error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 1000, nil)
			if tt.committed >= 0 {
				placed(t, c, tt.committed)
			}
			if err := k.DeleteRecords("letters", 0, tt.begins); err != nil {
				t.Fatal(err)
			}
			w := join(t, c, "a", starting("error"))
			var err error
			for err == nil {
				var lent []ledger.Delivery
				if lent, err = w.Next(1, 1<<20, nil); len(lent) > 0 {
					t.Fatalf("got %d", lent[0].Offset)
				}
				if err == nil {
					kafkatest.Await(t, w.woken, "the news")
				}
			}
			if !errors.Is(err, kerr.ErrNoOffset) || !strings.HasPrefix(err.Error(), tt.says) {
				t.Errorf("%v, want %s", err, tt.says)
			}
			if status := c.Status()[0]; status.Trouble != err.Error() {
				t.Errorf("the status says %q", status.Trouble)
			}
			if _, err := c.SetGroupOffsets(kafkatest.Bounded(t), "group", []cluster.Target{{TopicPartition: letters, Offset: 700}}); err != nil {
				t.Fatal(err)
			}
			wantTaken(t, w.take(t, 2), 700, 701)
			committed(t, k, "letters", 700)
		})
	}
}

// With auto.offset.reset=error a log that holds the committed offset is read as any other.
func TestErrorIsNoErrorWithinTheLog(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 100, nil)
	placed(t, c, 40)
	w := join(t, c, "a", starting("error"))
	wantTaken(t, w.take(t, 2), 40, 41)
	w.AcceptThrough(letters, 41)
	committed(t, k, "letters", 42)
	if status := c.Status()[0]; status.Trouble != "" {
		t.Error(status.Trouble)
	}
}

func TestWhatALogLacks(t *testing.T) {
	for _, tt := range []struct {
		holds logBounds
		next  int64
		want  bool
	}{
		{logBounds{-1, -1}, 5, false},
		{logBounds{0, 10}, -1, false},
		{logBounds{0, 10}, 0, false},
		{logBounds{0, 10}, 10, false},
		{logBounds{0, 10}, 11, true},
		{logBounds{6, 10}, 5, true},
		{logBounds{5, 10}, 5, false},
		{logBounds{0, 0}, 1, true},
		{logBounds{7, -1}, 6, true},
	} {
		if got := tt.holds.lacks(tt.next); got != tt.want {
			t.Errorf("%+v lacks %d: %v", tt.holds, tt.next, got)
		}
	}
}

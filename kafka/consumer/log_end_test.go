package consumer

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// transact writes n records in one transaction, and ends it with a marker.
func transact(t *testing.T, c *engine, n int, end kgo.TransactionEndTry) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID(t.Name()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	ctx := kafkatest.Bounded(t)
	if err := producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "letters", Value: []byte("a record")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := producer.EndTransaction(ctx, end); err != nil {
		t.Fatal(err)
	}
}

// Behind the last record of a log there may be offsets of what is no record. A group that has settled all records is
// committed at the end of the log.
func TestNoLagIsLeftBehindTheLastRecord(t *testing.T) {
	t.Parallel()
	const yes, no = kgo.TryCommit, kgo.TryAbort
	for name, c := range map[string]struct {
		before, aborted int // records outside, and of an aborted transaction behind them
		isolation       string
		readable, end   int64
	}{
		"an aborted transaction":             {3, 2, "read_committed", 3, 6},
		"nothing but aborted records":        {0, 2, "read_committed", 0, 3},
		"aborted records, read nevertheless": {3, 2, "read_uncommitted", 5, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, e := lettersOn(t, c.before, func(cfg *config.Config) {
				soon(cfg)
				cfg.Consumer = config.Properties{"isolation.level": c.isolation}
			})
			transact(t, e, c.aborted, no)
			w := join(t, e, "a", topicsOf("letters"))
			if c.readable > 0 {
				w.take(t, int(c.readable))
				w.AcceptThrough(letters, c.readable-1)
			}
			committed(t, k, "letters", c.end)
			wantLag(t, e, lagOf(0, c.end, c.end, 0))
			transact(t, e, 1, yes) // and it goes on from there
			wantTaken(t, w.take(t, 1), c.end)
			w.AcceptThrough(letters, c.end)
			committed(t, k, "letters", c.end+2)
			wantLag(t, e, lagOf(0, c.end+2, c.end+2, 0))
			for _, row := range e.Consumed() {
				if row.Skipped != 0 {
					t.Errorf("%+v", row)
				}
			}
		})
	}
}

// The end of the log moves no commit past a record that is not settled.
func TestTheEndOfALogPassesNoUnsettledRecord(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 0, nil)
	transact(t, c, 3, kgo.TryCommit)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 3), 0, 1, 2)
	wantEnd(t, c, 4)
	w.Accept(letters, 0)
	w.Accept(letters, 2)
	committed(t, k, "letters", 1)
	w.Accept(letters, 1)
	committed(t, k, "letters", 4)
}

// A group whose commits ended before the marker, as those of other consumers may, is committed behind it once it has
// come to the end.
func TestAGroupThatBeginsBeforeAMarkerPassesIt(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 0, nil)
	transact(t, c, 3, kgo.TryCommit)
	placed(t, c, 3)
	join(t, c, "a", topicsOf("letters"))
	committed(t, k, "letters", 4)
}

// A seek commits nothing, wherever it goes: records that were not settled come again to the next member.
func TestASeekBeforeAMarkerCommitsNothing(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 0, nil)
	transact(t, c, 3, kgo.TryCommit)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	w.Accept(letters, 0)
	committed(t, k, "letters", 1)
	if err := w.Seek(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 3}}); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, c, 4)
	if err := shut(c, kafkatest.Patience); err != nil { // with a last commit
		t.Fatal(err)
	}
	wantCommitted(t, k, 1)
}

// Who commits a lower offset wants the group to go on there later. That holds until something more is settled.
func TestTheEndOfALogUndoesNoLowerCommit(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 3, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 3)
	w.AcceptThrough(letters, 2)
	committed(t, k, "letters", 3)
	if err := w.CommitAt(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 1}}); err != nil {
		t.Fatal(err)
	}
	transact(t, c, 2, kgo.TryAbort)
	wantEnd(t, c, 6)
	if err := shut(c, kafkatest.Patience); err != nil { // with a last commit
		t.Fatal(err)
	}
	wantCommitted(t, k, 1)
}

// Records that retention has removed count as skipped, though none came after them.
func TestAnEmptiedLogIsPassed(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, soon)
	placed(t, c, 4)
	if err := k.DeleteRecords("letters", 0, 10); err != nil {
		t.Fatal(err)
	}
	join(t, c, "a", topicsOf("letters"))
	wantSkipped(t, c, 6)
	committed(t, k, "letters", 10)
}

// A topic without records has no end worth a commit, and a group that begins at the latest record has read nothing yet.
func TestWhoHasReadNothingCommitsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		records int
		reset   string
	}{"an empty topic": {0, "earliest"}, "the latest record": {5, "latest"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, e := lettersOn(t, c.records, func(cfg *config.Config) {
				cfg.Consumer = config.Properties{"auto.offset.reset": c.reset}
			})
			join(t, e, "a", topicsOf("letters"))
			wantEnd(t, e, int64(c.records))
			if err := shut(e, kafkatest.Patience); err != nil { // with a last commit
				t.Fatal(err)
			}
			if g := k.GroupInfo("group"); g != nil && len(g.Commits["letters"]) != 0 {
				t.Errorf("%+v", g.Commits)
			}
		})
	}
}

// wantEnd waits until librdkafka has told that it came to the end of the log.
func wantEnd(t *testing.T, c *engine, at int64) {
	t.Helper()
	kafkatest.Eventually(t, "the end of the log", func() bool {
		return everywhere(c, func(s *subscription) bool { f := s.partitions[letters]; return f != nil && f.log.end == at })
	})
}

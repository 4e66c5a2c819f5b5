package consumer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// kept is the map that was committed with the offset of partition 0.
func kept(g *kfake.GroupInfo) (at int64, m commitmeta.Map) {
	c, any := g.Commits["letters"][0]
	if !any {
		return -1, m
	}
	m, _ = commitmeta.Decode(c.Offset, c.Metadata)
	return c.Offset, m
}

// keptAbove waits until an offset and these settled offsets above it are committed.
func keptAbove(t *testing.T, k *kfake.Cluster, at int64, above ...commitmeta.Range) {
	t.Helper()
	waitGroup(t, k, fmt.Sprint(at, " and above it ", above), func(g *kfake.GroupInfo) bool {
		offset, m := kept(g)
		return offset == at && slices.Equal(m.Above, above)
	})
}

// die ends an engine that commits nothing more, as one that is killed.
func die(t *testing.T, k *kfake.Cluster, c *engine) {
	t.Helper()
	dead := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.GroupAuthorizationFailed, Count: -1})
	defer dead.Remove()
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
}

// What is acknowledged beyond a gap does not come again when another sluice takes over, but for what was not committed.
func TestWhatIsAcknowledgedBeyondAGapSurvives(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 20, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 15)
	for at := int64(1); at < 12; at++ {
		if at != 5 {
			w.Accept(letters, at)
		}
	}
	keptAbove(t, k, 0, commitmeta.Range{From: 1, To: 5}, commitmeta.Range{From: 6, To: 12})
	dead := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.GroupAuthorizationFailed, Count: -1})
	w.Accept(letters, 13)
	die(t, k, c)
	dead.Remove()
	second := openOn(t, k.ListenAddrs(), nil)
	v := join(t, second, "b", topicsOf("letters"))
	wantTaken(t, v.take(t, 10), 0, 5, 12, 13, 14, 15, 16, 17, 18, 19)
	v.Accept(letters, 0)
	keptAbove(t, k, 5, commitmeta.Range{From: 6, To: 12})
	v.AcceptThrough(letters, 19)
	committed(t, k, "letters", 20)
	wantLeasesBalanced(t, second)
}

// The attempts at a record that fails go on at another sluice, and so does the wait for the next one.
func TestAttemptsSurvive(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, never)
	w := join(t, c, "a", topicsOf("letters"))
	for attempt := 1; attempt <= 3; attempt++ {
		if d := w.next(t, 1)[0]; d.Offset != 0 || d.Attempt != attempt {
			t.Fatalf("attempt %d at %d, want %d at 0", d.Attempt, d.Offset, attempt)
		}
		w.Fail(letters, 0, failures.Failure{Class: "Timeout"}, time.Millisecond)
	}
	failed := func(times int, delay time.Duration) func(*kfake.GroupInfo) bool {
		return func(g *kfake.GroupInfo) bool {
			at, m := kept(g)
			return at == 0 && len(m.Failing) == 1 && m.Failing[0].Failures == times && (delay == 0 || m.Failing[0].Due.Sub(m.At) > delay)
		}
	}
	waitGroup(t, k, "three failures", failed(3, 0)) // the commit interval is an hour: a failure is committed at once
	die(t, k, c)
	second := openOn(t, k.ListenAddrs(), never)
	v := join(t, second, "b", topicsOf("letters"))
	if d := v.next(t, 1)[0]; d.Offset != 0 || d.Attempt != 4 {
		t.Fatalf("attempt %d at %d, want 4 at 0", d.Attempt, d.Offset)
	}
	v.Fail(letters, 0, failures.Failure{Class: "Timeout"}, time.Hour)
	waitGroup(t, k, "a wait of nearly an hour", failed(4, 59*time.Minute))
	die(t, k, second)
	third := join(t, openOn(t, k.ListenAddrs(), nil), "c", topicsOf("letters"))
	third.quiet(t, 500*time.Millisecond)
}

// The offsets of transactions' markers, and of records that compaction has removed, are gaps without a record.
func TestAcknowledgementsSurviveBetweenOffsetsWithoutRecords(t *testing.T) {
	t.Parallel()
	t.Run("transactions", func(t *testing.T) {
		t.Parallel()
		k, c := lettersOn(t, 0, nil)
		for range 4 {
			transact(t, c, 2, kgo.TryCommit)
		}
		surviveOn(t, k, c, []int64{0, 1, 3, 4, 6, 7, 9, 10}, commitmeta.Range{From: 1, To: 11})
	})
	t.Run("compaction", func(t *testing.T) {
		t.Parallel()
		k := kafkatest.Brokers(t)
		if err := k.CreateTopic("letters", 1, map[string]string{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "segment.bytes": "100"}); err != nil {
			t.Fatal(err)
		}
		c := openOn(t, k.ListenAddrs(), nil)
		for i := range 12 {
			kafkatest.Produce(t, c, &kgo.Record{Topic: "letters", Key: fmt.Append(nil, i%2*i), Value: []byte("a record")})
		}
		k.Compact()
		var left []int64
		for _, r := range kafkatest.Read(t, c, "letters", 7) {
			left = append(left, r.Offset)
		}
		surviveOn(t, k, c, left, commitmeta.Range{From: left[1], To: left[6] + 1})
	})
}

// surviveOn accepts all records but the first, and kills the engine. Only the first comes again.
func surviveOn(t *testing.T, k *kfake.Cluster, c *engine, offsets []int64, above commitmeta.Range) {
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, len(offsets)), offsets...)
	for _, at := range offsets[1:] {
		w.Accept(letters, at)
	}
	keptAbove(t, k, offsets[0], above)
	die(t, k, c)
	second := openOn(t, k.ListenAddrs(), nil)
	v := join(t, second, "b", topicsOf("letters"))
	wantTaken(t, v.take(t, 1), offsets[0])
	v.quiet(t, 300*time.Millisecond)
	v.Accept(letters, offsets[0])
	waitGroup(t, k, "all of it", func(g *kfake.GroupInfo) bool {
		at, m := kept(g)
		return at > offsets[len(offsets)-1] && m.Empty()
	})
}

// A member that chooses its partitions goes on in the same way.
func TestAcknowledgementsOfAChosenPartitionSurvive(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, never)
	w := choose(t, c, letters)
	w.take(t, 5)
	w.Accept(letters, 1)
	w.Accept(letters, 2)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 0}}); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 3)
	w.Accept(letters, 4)
	w.Leave(true)
	keptAbove(t, k, 3, commitmeta.Range{From: 4, To: 5})
	kafkatest.Eventually(t, "its consumer to end", func() bool { return c.Counts().Subscriptions == 0 })
	again := choose(t, c, letters)
	wantTaken(t, again.take(t, 1), 3)
	again.quiet(t, 300*time.Millisecond)
}

// What another sluice has committed while this one was away counts beside what this one remembers.
func TestWhatOthersHaveSettledMeanwhileCounts(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, nil)
	in := hasty()
	in.Overrides["session.timeout.ms"] = "1000"
	w := join(t, c, "a", in)
	w.take(t, 8)
	w.Accept(letters, 1)
	keptAbove(t, k, 0, commitmeta.Range{From: 1, To: 2})
	commits := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.GroupAuthorizationFailed, Count: -1})
	w.Accept(letters, 3)
	rejoined := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: wireerr.CoordinatorLoadInProgress, TopLevel: true, Count: -1})
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: wireerr.UnknownMemberID, TopLevel: true, Count: 1})
	kafkatest.Eventually(t, "the loss", func() bool { return rejoined.Hits() > 0 })
	waitGroup(t, k, "an empty group", func(g *kfake.GroupInfo) bool { return len(g.Members) == 0 })
	commits.Remove()
	text, _ := commitmeta.Encode(0, &commitmeta.Map{Above: []commitmeta.Range{{From: 1, To: 2}, {From: 5, To: 7}}, At: time.Now()}, commitmeta.Limit)
	commitWith(t, k, c, 0, text)
	rejoined.Remove()
	wantTaken(t, w.take(t, 6), 0, 2, 4, 7, 8, 9)
	keptAbove(t, k, 0, commitmeta.Range{From: 1, To: 2}, commitmeta.Range{From: 3, To: 4}, commitmeta.Range{From: 5, To: 7})
}

// A commit can be asked for.
func TestACommitComesSoon(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	w.Accept(letters, 2)
	w.sub.commitSoon()
	keptAbove(t, k, 0, commitmeta.Range{From: 2, To: 3})
	w.AcceptThrough(letters, 3)
	w.sub.commitSoon()
	committed(t, k, "letters", 4)
}

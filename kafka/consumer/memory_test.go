package consumer

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// cramped is an engine that has memory for one fetch of one partition at a time.
func cramped(t *testing.T, partitions int32, records int) *engine {
	t.Helper()
	k := kafkatest.Brokers(t, kfake.SeedTopics(partitions, "letters"))
	full := openOn(t, k.ListenAddrs(), nil)
	for range partitions {
		fill(t, full, "letters", records)
	}
	return openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Consume.Memory = 1
		cfg.Consumer = config.Properties{"queued.min.messages": "100"}
	})
}

// journey is the next offset of each partition.
type journey map[int32]int64

// expect takes records until all partitions are at their ends, each record once and in order.
func (j journey) expect(t *testing.T, w *worker, ends map[int32]int64) {
	t.Helper()
	for left(j, ends) > 0 {
		for _, d := range w.next(t, 100) {
			if d.Offset != j[d.Partition] {
				t.Fatalf("%d of partition %d came after %d", d.Offset, d.Partition, j[d.Partition]-1)
			}
			j[d.Partition]++
			w.AcceptThrough(d.TopicPartition, d.Offset)
		}
	}
}

func left(j journey, ends map[int32]int64) (n int64) {
	for p, end := range ends {
		n += end - j[p]
	}
	return n
}

// endsOf asks where the partitions end.
func endsOf(t *testing.T, c *engine, partitions int32) map[int32]int64 {
	t.Helper()
	ends := map[int32]int64{}
	for p := range partitions {
		_, end, err := c.PartitionOffsets(kafkatest.Bounded(t), record.TopicPartition{Topic: "letters", Partition: p})
		if err != nil {
			t.Fatal(err)
		}
		ends[p] = end
	}
	return ends
}

// A partition that waits for its turn goes on where it was. No record is skipped, and none comes twice.
func TestPartitionsTakeTurnsWhenMemoryIsShort(t *testing.T) {
	t.Parallel()
	const partitions = 4
	c := cramped(t, partitions, 3000)
	w := join(t, c, "a", topicsOf("letters"))
	ends := endsOf(t, c, partitions)
	j := journey{}
	first := w.next(t, 1)[0]
	j[first.Partition] = 1
	w.AcceptThrough(first.TopicPartition, first.Offset)
	kafkatest.Eventually(t, "a partition that waits for its turn", func() bool { return c.Memory().Waiting > 0 })
	j.expect(t, w, ends)
	fill(t, c, "letters", 1000) // behind the end, in partitions that are open or closed
	j.expect(t, w, endsOf(t, c, partitions))
}

// What is sought comes next, also when the partition is closed then, or soon after.
func TestASeekIsKeptOverTurns(t *testing.T) {
	t.Parallel()
	const partitions = 3
	c := cramped(t, partitions, 2000)
	w := join(t, c, "a", topicsOf("letters"))
	ends := endsOf(t, c, partitions)
	journey{}.expect(t, w, ends)
	for round := range int64(5) {
		j := journey{}
		var offsets []record.PartitionOffset
		for p := range int32(partitions) {
			j[p] = round * 100
			offsets = append(offsets, record.PartitionOffset{TopicPartition: record.TopicPartition{Topic: "letters", Partition: p}, Offset: round * 100})
		}
		if err := w.Seek(kafkatest.Bounded(t), offsets); err != nil {
			t.Fatal(err)
		}
		j.expect(t, w, ends)
	}
}

// When partitions move to another member of the group, no record is lost.
func TestARebalanceWhilePartitionsWait(t *testing.T) {
	t.Parallel()
	const partitions = 4
	c := cramped(t, partitions, 2000)
	var workers []*worker
	seen := map[string]bool{}
	want := 0
	for _, end := range endsOf(t, c, partitions) {
		want += int(end)
	}
	for i := range 3 { // each has a consumer of its own, because their overrides differ
		in := topicsOf("letters")
		in.Overrides = config.Properties{"fetch.wait.max.ms": fmt.Sprint(100 + i), "session.timeout.ms": "6000", "heartbeat.interval.ms": "100"}
		workers = append(workers, join(t, c, fmt.Sprint(i), in))
		for range 500 {
			for _, w := range workers {
				lent, err := w.Next(10, 1<<20, nil)
				if err != nil {
					t.Fatal(err)
				}
				noteAll(w, lent, seen)
			}
		}
	}
	kafkatest.Eventually(t, "every record", func() bool {
		for _, w := range workers {
			lent, err := w.Next(1000, 1<<20, nil)
			if err != nil {
				t.Fatal(err)
			}
			noteAll(w, lent, seen)
		}
		return len(seen) == want
	})
}

func noteAll(w *worker, lent []ledger.Delivery, seen map[string]bool) {
	for _, d := range lent {
		seen[fmt.Sprint(d.Partition, ":", d.Offset)] = true
		w.Accept(d.TopicPartition, d.Offset)
	}
}

// That a partition is at its end is an event in its queue. It counts as no fetch: what comes to nothing would make the next
// fetch of a topic seem to cost nothing.
func TestTheEndOfAPartitionIsNoFetch(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 1, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 1)
	var f *partition
	stands, arrived, seen := make(chan bool), make(chan bool), make(chan int)
	w.sub.do(func() {
		f = w.sub.partitions[letters]
		stands <- true
		<-arrived
		w.sub.fetch(f, 1)
		w.sub.observe(letters, f, false)
		seen <- f.memory.seen.Records
	})
	<-stands
	fill(t, c, "letters", 1)
	kafkatest.Eventually(t, "a record and the event behind it", func() bool { return f.queue.Len() == 2 })
	close(arrived)
	if n := <-seen; n != 0 {
		t.Errorf("%d records are held, and all are taken", n)
	}
}

package consumer

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/commitmeta"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Brokers may take less metadata than is usual, or none. The offsets are committed all the same.
func TestBrokersMayRefuseTheMetadata(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 20, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 20)
	refused := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.OffsetMetadataTooLarge, Count: 1})
	w.Accept(letters, 0)
	w.Accept(letters, 2)
	keptAbove(t, k, 1, commitmeta.Range{From: 2, To: 3}) // in half of the room
	if n := c.Counts(); n.MetadataRefused != 1 || n.CommitErrors != 0 || refused.Hits() != 1 {
		t.Errorf("%+v", n)
	}
	every := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.OffsetMetadataTooLarge, Count: 1, When: hasMetadata})
	w.Accept(letters, 4)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 2}}); err != nil {
		t.Fatal(err)
	}
	kafkatest.Eventually(t, "the refusal", func() bool { return every.Hits() == 1 })
	limits := make(chan int, 1)
	kafkatest.Eventually(t, "a quarter of the room", func() bool {
		w.sub.do(func() { limits <- w.sub.commits.limit })
		return <-limits == commitmeta.Limit/4
	})
	keptAbove(t, k, 3, commitmeta.Range{From: 4, To: 5})
}

// hasMetadata tells whether a commit has metadata.
func hasMetadata(req kmsg.Request) bool {
	commit, is := req.(*kmsg.OffsetCommitRequest)
	if !is {
		return false
	}
	for _, t := range commit.Topics {
		for _, p := range t.Partitions {
			if p.Metadata != nil && *p.Metadata != "" {
				return true
			}
		}
	}
	return false
}

// Where brokers take no metadata, sluice goes on without.
func TestBrokersMayTakeNoMetadata(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 20, nil)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 20)
	refused := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: wireerr.OffsetMetadataTooLarge, Count: -1, When: hasMetadata})
	for at := int64(0); at < 20; at += 2 {
		w.Accept(letters, at)
	}
	committed(t, k, "letters", 1)
	kafkatest.Eventually(t, "the end of all tries", func() bool {
		return everywhere(c, func(s *subscription) bool { return s.commits.limit == 0 && s.commits.regular.ticket == 0 })
	})
	tries := refused.Hits()
	w.Accept(letters, 1)
	committed(t, k, "letters", 3)
	if n := c.Counts(); refused.Hits() != tries || n.MetadataRefused != int64(tries) || n.CommitErrors != 0 {
		t.Errorf("%d refusals, %d before, %+v", refused.Hits(), tries, n)
	}
}

// Other consumers of the group may have left metadata of their own.
func TestTheMetadataOfOthersIsPassedOver(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"consumer-1", "sluice1:", "sluice1:broken", "sluice7:AAAA", "lwAAAAYAAQ=="} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 10, nil)
			commitWith(t, k, c, 3, text)
			w := join(t, c, "a", topicsOf("letters"))
			wantTaken(t, w.take(t, 7), 3, 4, 5, 6, 7, 8, 9)
			w.AcceptThrough(letters, 4)
			waitGroup(t, k, "a commit", func(g *kfake.GroupInfo) bool {
				return g.Commits["letters"][0].Offset == 5 && g.Commits["letters"][0].Metadata == ""
			})
		})
	}
}

// commitWith commits an offset with metadata, in the name of a group that has no members.
func commitWith(t *testing.T, k *kfake.Cluster, c *engine, at int64, metadata string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = "group", -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.Metadata = at, &metadata
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID, topic.Partitions = "letters", k.TopicInfo("letters").TopicID, []kmsg.OffsetCommitRequestTopicPartition{p}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(kafkatest.Bounded(t), client)
	if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatal(err, resp)
	}
}

// A map that was written for another topic of the same name says nothing of this one's records.
func TestAMapOfAnotherTopicIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		id   func(ours string) string
		want []int64
	}{
		"of another": {func(string) string { return "pXk7dVmTQ2eZ5bq8nR4sLw" }, []int64{3, 4, 5, 6}},
		"of this":    {func(ours string) string { return ours }, []int64{3, 6, 7, 8}},
		"of any":     {func(string) string { return "" }, []int64{3, 6, 7, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, c := lettersOn(t, 10, nil)
			id := k.TopicInfo("letters").TopicID
			m := commitmeta.Map{Above: []commitmeta.Range{{From: 4, To: 6}}, Log: tt.id(base64.RawStdEncoding.EncodeToString(id[:])), At: time.Now()}
			text, _ := commitmeta.Encode(3, &m, commitmeta.Limit)
			commitWith(t, k, c, 3, text)
			w := join(t, c, "a", topicsOf("letters"))
			wantTaken(t, w.take(t, 4), tt.want...)
		})
	}
}

// Records whose map would not fit are not lent before others are settled. A member is told so, as of any full window.
func TestTheWindowClosesBeforeItsMapDoesNotFit(t *testing.T) {
	t.Parallel()
	const records = 2000
	k, c := lettersOn(t, records, nil)
	w := join(t, c, "a", topicsOf("letters"))
	short := make(chan bool)
	w.sub.do(func() {
		w.sub.commits.limit = 2 * leastMetadata
		w.sub.shortenMetadata()
		close(short)
	})
	<-short
	var lent []int64
	for full := false; !full; {
		more, err := w.Next(records, 1<<20, nil)
		var window *ledger.WindowError
		if full = errors.As(err, &window); err != nil && !full {
			t.Fatal(err)
		}
		for _, d := range more {
			lent = append(lent, d.Offset)
		}
		if len(more) == 0 && !full {
			kafkatest.Await(t, w.woken, "a record")
		}
	}
	if most := 8 * commitmeta.Room(leastMetadata); len(lent) != most {
		t.Fatalf("%d records were lent, want %d", len(lent), most)
	}
	for _, at := range lent[1:] {
		if at%2 == 0 {
			w.Accept(letters, at)
		}
	}
	waitGroup(t, k, "all that was acknowledged", func(g *kfake.GroupInfo) bool {
		_, m := kept(g)
		return len(m.Above) == (len(lent)-1)/2
	})
	w.Accept(letters, 0)
	w.Accept(letters, 1)
	wantTaken(t, w.take(t, 3), int64(len(lent)), int64(len(lent))+1, int64(len(lent))+2)
}

func TestTheLargestWindowIsWhatACommitCanCarry(t *testing.T) {
	if config.MostWindowRecords != commitmeta.MostRecords {
		t.Errorf("a window may hold %d records, and a commit can carry %d", config.MostWindowRecords, commitmeta.MostRecords)
	}
}

// The id of a topic may be known before what is committed is. Then it is not asked for once more.
func TestAnIDThatComesEarlyIsEnough(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 1, nil)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	if !everywhere(c, func(s *subscription) bool {
		f, id := s.partitions[letters], s.history.logID("letters")
		f.earlier = earlierAssignment{openedAt: time.Now().Add(-time.Second)}
		s.identified(map[string]string{"letters": id}, time.Now())
		f.earlier.kept = &commitmeta.Map{Log: id}
		s.inherit(f)
		return !f.earlier.undecided()
	}) {
		t.Error("it waits for the next answer")
	}
}

package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// never sets a commit interval that no test reaches.
func never(cfg *config.Config) { cfg.Consume.CommitInterval = time.Hour }

func wantCommitted(t *testing.T, k *kfake.Cluster, at int64) {
	t.Helper()
	if g := k.GroupInfo("group"); g == nil || g.Commits["letters"][0].Offset != at {
		t.Fatalf("the group is %+v, want %d committed", g, at)
	}
}

func TestACommitIsThereWhenItReturns(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	for _, through := range []int64{2, 4} {
		if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: through}}); err != nil {
			t.Fatal(err)
		}
		wantCommitted(t, k, through+1)
	}
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 9}}); !errors.Is(err, kerr.ErrMoved) { // the member was lent no more records
		t.Error(err)
	}
	wantCommitted(t, k, 5)
	if w.Owed() != 0 {
		t.Errorf("owes %d", w.Owed())
	}
}

func TestACommitEndsAtWhatOthersOwe(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	w.Fail(letters, 1, failures.Failure{}, time.Hour)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 1)
	if w.Owed() != 0 {
		t.Errorf("owes %d", w.Owed())
	}
}

func TestACommitThatNobodyAnswersIsAnError(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, func(cfg *config.Config) {
		never(cfg)
		cfg.Consumer = config.Properties{"session.timeout.ms": "60000"} // the member must outlive the search for the coordinator
	})
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	k.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		return commitsAnswered(req, wireerr.GroupAuthorizationFailed.Code), nil, true
	})
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); !errors.Is(err, kerr.ErrDenied) {
		t.Errorf("refused: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	k.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		k.DropControl()
		return nil, errors.New("no answer"), true
	})
	if err := w.Commit(ctx, []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); !errors.Is(err, kerr.ErrNoAnswer) {
		t.Errorf("no answer: %v", err)
	}
	// librdkafka takes long to find the coordinator again, above all on a busy machine.
	again, end := context.WithTimeout(t.Context(), 3*kafkatest.Patience)
	defer end()
	if err := w.Commit(again, []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); err != nil {
		t.Fatalf("what was settled before is not committed: %v", err)
	}
	wantCommitted(t, k, 5)
}

// The last commit is made when the group is left. When it is refused, that must be counted.
func TestALastCommitThatFailsIsCounted(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	w.AcceptThrough(letters, 4)
	k.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		return commitsAnswered(req, wireerr.GroupAuthorizationFailed.Code), nil, true
	})
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	if n := c.Counts().CommitErrors; n != 1 {
		t.Errorf("%d failures of commits were counted", n)
	}
}

// commitsAnswered is an answer to a commit with one code for everything.
func commitsAnswered(req kmsg.Request, code int16) kmsg.Response {
	commit := req.(*kmsg.OffsetCommitRequest)
	resp := commit.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range commit.Topics {
		answered := kmsg.OffsetCommitResponseTopic{Topic: t.Topic, TopicID: t.TopicID}
		for _, p := range t.Partitions {
			answered.Partitions = append(answered.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: code})
		}
		resp.Topics = append(resp.Topics, answered)
	}
	return resp
}

func TestPlacesAreCommittedAsTheyAre(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 10, nil) // with librdkafka's own commits between
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	for _, at := range []int64{3, 1, 8, 4} {
		if err := w.CommitAt(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: at}}); err != nil {
			t.Fatal(err)
		}
		wantCommitted(t, k, at)
	}
	if w.Owed() != 0 {
		t.Errorf("owes %d", w.Owed())
	}
	wantTaken(t, w.take(t, 2), 8, 9) // what was committed once is lent to nobody, and going back moves only the commit
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 9}}); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 10)
}

func TestPlacesOfOthersAreNotCommitted(t *testing.T) {
	t.Parallel()
	_, c := lettersOn(t, 10, never)
	w, other := join(t, c, "a", topicsOf("letters")), join(t, c, "b", topicsOf("letters"))
	w.take(t, 5)
	if err := other.CommitAt(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 2}}); !errors.Is(err, kerr.ErrNotHere) {
		t.Errorf("another's: %v", err)
	}
	if err := w.CommitAt(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 2}, {TopicPartition: record.TopicPartition{Topic: "letters", Partition: 7}, Offset: 1}}); !errors.Is(err, kerr.ErrNotHere) {
		t.Errorf("nobody's: %v", err)
	}
	if w.Owed() != 5 {
		t.Errorf("owes %d, want all 5: nothing was to be done", w.Owed())
	}
}

func TestWhoWaitsForACommitIsToldOfTheEnd(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	asked := make(chan struct{})
	k.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(asked)
		return nil, errors.New("no answer"), true
	})
	told := make(chan error)
	go func() {
		told <- w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 4}})
	}()
	<-asked
	k.Close()
	_ = shut(c, time.Second)
	if err := <-told; err == nil {
		t.Error("committed with nobody there")
	}
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); err == nil {
		t.Error("committed after the end")
	}
}

// A partition that went and came back has a new ledger: a commit does not settle what came before.
func TestACommitOfWhatComesAgainIsAnError(t *testing.T) {
	t.Parallel()
	k, c := lettersOn(t, 5, never)
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 5)
	if _, err := c.Seek(kafkatest.Bounded(t), "group", []record.PartitionOffset{{TopicPartition: letters, Offset: 0}}); err != nil { // the partition gets a new ledger, as after a rebalance
		t.Fatal(err)
	}
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); !errors.Is(err, kerr.ErrMoved) {
		t.Error(err)
	}
	wantCommitted(t, k, 0)
	wantTaken(t, w.take(t, 5), 0, 1, 2, 3, 4)
	if err := w.Commit(kafkatest.Bounded(t), []record.PartitionOffset{{TopicPartition: letters, Offset: 4}}); err != nil {
		t.Fatal(err)
	}
	wantCommitted(t, k, 5)
}

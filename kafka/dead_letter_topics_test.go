package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

func TestDeadLetterTopicsAreListed(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(2, "letters", "legacy_dlq", "dlq.empty.billing"))
	c := openOn(t, k.ListenAddrs(), nil)
	if err := c.letters.ensure(kafkatest.Bounded(t), "letters", dead); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Second)
	for i := range 7 {
		l := given(int32(i%2), []byte("value"))
		l.Failure.Class = []string{"Timeout", "Deadlock", "Timeout", ""}[i%4]
		l.Now = began.Add(time.Duration(i) * time.Millisecond)
		if err := written(t, c, l); err != nil {
			t.Fatal(err)
		}
	}
	kafkatest.Fill(t, k, dead, 3) // what is no letter
	list, err := c.DeadLetterTopics(kafkatest.Bounded(t), nil)
	want := []DeadLetterTopic{
		{Name: "dlq.empty.billing"},
		{Name: dead, Records: 10, Oldest: time.UnixMilli(began.UnixMilli()), Sampled: 7, Top: "Timeout", OfTop: 4},
	}
	if err != nil || fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("%v %v, want %v", list, err, want)
	}
	if list, err := c.DeadLetterTopics(kafkatest.Bounded(t), []string{"legacy_dlq"}); err != nil || len(list) != 1 || list[0].Name != "legacy_dlq" {
		t.Errorf("%v %v", list, err)
	}
	_, err = c.DeadLetterTopics(kafkatest.Bounded(t), []string{"dlq.none.here"})
	kafkatest.WantError(t, err, kerr.ErrNoTopic, "topic dlq.none.here: no such topic")
}

// The newest letters of a long topic are looked at, and the oldest record is its first.
func TestALongDeadLetterTopicIsSampled(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs(), nil)
	if err := c.letters.ensure(kafkatest.Bounded(t), "letters", dead); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Minute)
	for i := range LetterSample + 20 {
		l := given(0, nil)
		if i >= 20 {
			l.Failure.Class = "new"
		}
		l.Now = began.Add(time.Duration(i) * time.Millisecond)
		if err := written(t, c, l); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.DeadLetterTopics(kafkatest.Bounded(t), nil)
	want := []DeadLetterTopic{{Name: dead, Records: LetterSample + 20, Oldest: time.UnixMilli(began.UnixMilli()), Sampled: LetterSample, Top: "new", OfTop: LetterSample}}
	if err != nil || fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("%v %v, want %v", list, err, want)
	}
}

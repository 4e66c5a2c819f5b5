package cluster

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/record"
)

func anAssignment() []byte {
	var a kmsg.ConsumerMemberAssignment
	a.Version = 3
	for _, name := range []string{"letters", "others"} {
		topic := kmsg.NewConsumerMemberAssignmentTopic()
		topic.Topic, topic.Partitions = name, []int32{0, 7}
		a.Topics = append(a.Topics, topic)
	}
	a.UserData = []byte("mine")
	return a.AppendTo(nil)
}

func TestAnAssignmentIsRead(t *testing.T) {
	t.Parallel()
	want := []record.TopicPartition{{Topic: "letters", Partition: 0}, {Topic: "letters", Partition: 7}, {Topic: "others", Partition: 0}, {Topic: "others", Partition: 7}}
	if diff := cmp.Diff(want, assigned(anAssignment())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	whole := anAssignment()
	for n := range len(whole) - 8 { // but for the data that is nobody's business
		if got := assigned(whole[:n]); n > 0 && got != nil {
			t.Errorf("of %d bytes: %v", n, got)
		}
	}
}

// FuzzAssignment compares with what another client reads.
func FuzzAssignment(f *testing.F) {
	f.Add(anAssignment())
	f.Add([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Add([]byte("00\x00\x00\x00\x02\x00\a0000000\x00\x00\x00\x0200000000\x00\x00\xff000\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want []record.TopicPartition
		var other kmsg.ConsumerMemberAssignment
		if other.ReadFrom(text) != nil {
			_ = assigned(text) // it may be more patient, with what comes behind
			return
		}
		for _, topic := range other.Topics {
			for _, p := range topic.Partitions {
				want = append(want, record.TopicPartition{Topic: topic.Topic, Partition: p})
			}
		}
		if diff := cmp.Diff(want, assigned(text)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

package failures

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestALetterIsFoundAsItWasWritten(t *testing.T) {
	l := order()
	l.Replays = 2
	out := l.Record(1, 1<<20)
	got, is := Find(&out)
	want := Found{
		Source: l.Source.TopicPartition, Offset: 501, SourceTimestamp: l.Source.Timestamp, Group: "billing", Failure: l.Failure, Attempts: 4,
		First: l.First, Last: l.Now, Client: "worker-1", Trace: "0af7651916cd43dd8448eb211c80319c", Replays: 2, SourceSize: -1, Headers: l.Source.Headers,
	}
	if diff := cmp.Diff(want, got); diff != "" || !is {
		t.Error(is, diff)
	}
	l.Source.Value = make([]byte, 5000)
	out = l.Record(1, LeastLimit)
	if got, is := Find(&out); !is || !got.Pointer || got.SourceSize != payload(&l.Source) {
		t.Errorf("%t %+v", is, got)
	}
}

func TestOtherRecordsAreNoLetters(t *testing.T) {
	for _, headers := range [][]record.Header{
		nil,
		{text(headerSourceTopic, "orders")},
		{text(headerTopic, "")},
	} {
		if f, is := Find(&record.Record{Headers: headers}); is {
			t.Errorf("%v is %+v", headers, f)
		}
	}
	// Anybody may write to a dead-letter topic.
	f, is := Find(&record.Record{Headers: []record.Header{text(headerTopic, "a"), text(headerOffset, "x"), text(headerFailedAt, "99999999999999999999")}})
	if !is || f.Offset != -1 || f.Attempts != -1 || !f.Last.Equal(time.Time{}) {
		t.Errorf("%t %+v", is, f)
	}
}

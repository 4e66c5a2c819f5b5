package producer

import (
	"testing"

	rd "github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// "Rejected" and "retry" promise that nothing was written; only what is known may say so.
func TestOutcomeOf(t *testing.T) {
	for _, tt := range []struct {
		code   rd.Code
		status rd.Status
		want   record.Outcome
	}{
		{rd.None, rd.Persisted, record.OK},
		{rd.None, rd.NotPersisted, record.OK},
		{rd.MessageTimedOut, rd.Persisted, record.OK},
		{rd.MessageTimedOut, rd.NotPersisted, record.Retry},
		{rd.MessageTimedOut, rd.PossiblyPersisted, record.Unknown},
		{rd.TimedOutInQueue, rd.NotPersisted, record.Retry},
		{rd.PurgedQueue, rd.NotPersisted, record.Retry},
		{rd.PurgedInFlight, rd.NotPersisted, record.Unknown},
		{rd.PurgedInFlight, rd.PossiblyPersisted, record.Unknown},
		{rd.Transport, rd.NotPersisted, record.Unknown},
		{rd.Fatal, rd.NotPersisted, record.Retry},
		{rd.Fatal, rd.PossiblyPersisted, record.Unknown},
		{rd.QueueFull, rd.NotPersisted, record.Retry},
		{rd.NotEnoughReplicas, rd.NotPersisted, record.Retry},
		{rd.NotEnoughAfterAppend, rd.NotPersisted, record.Unknown},
		{rd.RequestTimedOut, rd.NotPersisted, record.Unknown},
		{rd.KafkaStorage, rd.NotPersisted, record.Unknown},
		{rd.MessageTooLarge, rd.NotPersisted, record.Rejected},
		{rd.InvalidRecord, rd.NotPersisted, record.Rejected},
		{rd.PolicyViolation, rd.NotPersisted, record.Rejected},
		{rd.TopicAuthorization, rd.NotPersisted, record.Rejected},
		{rd.UnknownTopic, rd.NotPersisted, record.Rejected},
		{rd.UnknownTopicLocal, rd.NotPersisted, record.Rejected},
		{rd.UnknownPartition, rd.NotPersisted, record.Rejected},
		{rd.Code(17), rd.NotPersisted, record.Rejected}, // a name, or an internal topic, that nobody may produce to
		{rd.Code(-1), rd.NotPersisted, record.Unknown},  // a broker's own failure
		{rd.Code(6), rd.NotPersisted, record.Unknown},
		{rd.Code(999), rd.NotPersisted, record.Unknown}, // of brokers newer than librdkafka
		{rd.Code(-999), rd.NotPersisted, record.Unknown},
		// An earlier attempt may have been written before this answer came.
		{rd.TopicAuthorization, rd.PossiblyPersisted, record.Unknown},
		{rd.InvalidRecord, rd.PossiblyPersisted, record.Unknown},
	} {
		if got := outcomeOf(tt.code, tt.status); got != tt.want {
			t.Errorf("%s with status %d: %s, want %s", tt.code, tt.status, got, tt.want)
		}
	}
}

func TestAProduceErrorNamesOutcomeTopicAndReason(t *testing.T) {
	err := &Error{Outcome: record.Rejected, Topic: "orders", Reason: rd.MessageTooLarge.String()}
	if got, want := err.Error(), "rejected: topic orders: Broker: Message size too large"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

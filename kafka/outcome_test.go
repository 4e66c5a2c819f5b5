package kafka

import (
	"testing"

	rd "github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// "Rejected" and "retry" promise that nothing was written; only what is known may say so.
func TestOutcomeOf(t *testing.T) {
	for _, tt := range []struct {
		code   rd.Code
		status rd.Status
		want   Outcome
	}{
		{rd.None, rd.Persisted, OK},
		{rd.None, rd.NotPersisted, OK},
		{rd.MessageTimedOut, rd.Persisted, OK},
		{rd.MessageTimedOut, rd.NotPersisted, Retry},
		{rd.MessageTimedOut, rd.PossiblyPersisted, Unknown},
		{rd.TimedOutInQueue, rd.NotPersisted, Retry},
		{rd.PurgedQueue, rd.NotPersisted, Retry},
		{rd.PurgedInFlight, rd.NotPersisted, Unknown},
		{rd.PurgedInFlight, rd.PossiblyPersisted, Unknown},
		{rd.Transport, rd.NotPersisted, Unknown},
		{rd.Fatal, rd.NotPersisted, Retry},
		{rd.Fatal, rd.PossiblyPersisted, Unknown},
		{rd.QueueFull, rd.NotPersisted, Retry},
		{rd.NotEnoughReplicas, rd.NotPersisted, Retry},
		{rd.NotEnoughAfterAppend, rd.NotPersisted, Unknown},
		{rd.RequestTimedOut, rd.NotPersisted, Unknown},
		{rd.KafkaStorage, rd.NotPersisted, Unknown},
		{rd.MessageTooLarge, rd.NotPersisted, Rejected},
		{rd.InvalidRecord, rd.NotPersisted, Rejected},
		{rd.PolicyViolation, rd.NotPersisted, Rejected},
		{rd.TopicAuthorization, rd.NotPersisted, Rejected},
		{rd.UnknownTopic, rd.NotPersisted, Rejected},
		{rd.UnknownTopicLocal, rd.NotPersisted, Rejected},
		{rd.UnknownPartition, rd.NotPersisted, Rejected},
		// An earlier attempt may have been written before this answer came.
		{rd.TopicAuthorization, rd.PossiblyPersisted, Unknown},
		{rd.InvalidRecord, rd.PossiblyPersisted, Unknown},
	} {
		if got := outcomeOf(tt.code, tt.status); got != tt.want {
			t.Errorf("%s with status %d: %s, want %s", tt.code, tt.status, got, tt.want)
		}
	}
}

func TestAProduceErrorNamesOutcomeTopicAndReason(t *testing.T) {
	err := &ProduceError{Outcome: Rejected, Topic: "orders", Reason: rd.MessageTooLarge.String()}
	if got, want := err.Error(), "rejected: topic orders: Broker: Message size too large"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

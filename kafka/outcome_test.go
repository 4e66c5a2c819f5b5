package kafka

import (
	"slices"
	"strings"
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
		{rd.Code(17), rd.NotPersisted, Rejected}, // a name, or an internal topic, that nobody may produce to
		{rd.Code(-1), rd.NotPersisted, Unknown},  // a broker's own failure
		{rd.Code(6), rd.NotPersisted, Unknown},
		{rd.Code(999), rd.NotPersisted, Unknown}, // of brokers newer than librdkafka
		{rd.Code(-999), rd.NotPersisted, Unknown},
		// An earlier attempt may have been written before this answer came.
		{rd.TopicAuthorization, rd.PossiblyPersisted, Unknown},
		{rd.InvalidRecord, rd.PossiblyPersisted, Unknown},
	} {
		if got := outcomeOf(tt.code, tt.status); got != tt.want {
			t.Errorf("%s with status %d: %s, want %s", tt.code, tt.status, got, tt.want)
		}
	}
}

// What a record ends with is decided for each code of the linked librdkafka, once, and for no other.
func TestEveryCodeIsDecided(t *testing.T) {
	decided := map[string]int{}
	for _, d := range decisions {
		for _, name := range strings.Fields(d.codes) {
			decided[name]++
		}
	}
	known := rd.Codes()
	if len(known) < 190 {
		t.Fatalf("librdkafka has only %d codes", len(known))
	}
	for code, name := range known {
		if decided[name] != 1 {
			t.Errorf("%s (%d, %q) is decided %d times", name, code, code.String(), decided[name])
		}
		delete(decided, name)
	}
	for name := range decided {
		t.Errorf("librdkafka has no %s", name)
	}
	// Only what is true of a batch, and leaves nothing written, is sent again.
	for _, d := range decisions {
		if d.divide && !slices.Contains([]Outcome{Rejected, Retry}, d.outcome) {
			t.Errorf("%s may be written, and would be sent again", d.codes)
		}
	}
}

func TestAProduceErrorNamesOutcomeTopicAndReason(t *testing.T) {
	err := &ProduceError{Outcome: Rejected, Topic: "orders", Reason: rd.MessageTooLarge.String()}
	if got, want := err.Error(), "rejected: topic orders: Broker: Message size too large"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

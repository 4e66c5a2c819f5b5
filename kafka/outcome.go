package kafka

import (
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// Outcome is how a produced record ended. Every record ends as exactly one of them.
type Outcome int

// The four ends of a produced record.
const (
	// OK: the brokers have it, on as many replicas as acks=all asks for.
	OK Outcome = iota
	// Rejected: not written, and not to be sent again unchanged.
	Rejected
	// Retry: not written, safe to send again.
	Retry
	// Unknown: it may have been written; sending it again may duplicate it.
	Unknown
)

var outcomeNames = [...]string{OK: "ok", Rejected: "rejected", Retry: "retry", Unknown: "unknown"}

// String is the word used on the wire, in stats and in logs.
func (o Outcome) String() string { return outcomeNames[o] }

// ProduceError says that a record was not, or may not have been, written.
type ProduceError struct {
	Outcome Outcome
	Topic   string
	Reason  string
	Cause   error // ErrNoTopic, ErrNoPartition or ErrDenied where that is why
}

func (e *ProduceError) Error() string {
	return fmt.Sprintf("%s: topic %s: %s", e.Outcome, e.Topic, e.Reason)
}

// Unwrap is the cause, where it has a name.
func (e *ProduceError) Unwrap() error { return e.Cause }

// causes are the codes whose cause has a name.
var causes = map[librdkafka.Code]error{
	librdkafka.UnknownTopic:       ErrNoTopic, // or partition: the brokers have one code for both
	librdkafka.UnknownTopicLocal:  ErrNoTopic,
	librdkafka.UnknownPartition:   ErrNoPartition,
	librdkafka.TopicAuthorization: ErrDenied,
}

// refusals are the codes for which the same record fails again, whatever is tried.
// Broker codes as in the Kafka protocol's error table.
var refusals = map[librdkafka.Code]bool{
	librdkafka.MessageTooLarge:    true,
	librdkafka.InvalidRecord:      true,
	librdkafka.InvalidTimestamp:   true,
	librdkafka.TopicAuthorization: true,
	librdkafka.UnknownTopic:       true,
	librdkafka.UnknownTopicLocal:  true,
	librdkafka.UnknownPartition:   true,
	librdkafka.PolicyViolation:    true,
}

// doubtful are the codes after which a record may be in the log although it failed. librdkafka's
// own status is asked as well: it says "not persisted" of requests that a broker answered with one
// of the broker codes here, which may have appended all the same.
var doubtful = map[librdkafka.Code]bool{
	librdkafka.PurgedInFlight:       true,
	librdkafka.Transport:            true,
	librdkafka.RequestTimedOut:      true,
	librdkafka.NotEnoughAfterAppend: true,
	librdkafka.KafkaStorage:         true,
}

// outcomeOf maps a delivery report to the record's end. Error.IsRetriable of the binding is no help
// here: it is false for a full queue and for a timeout.
func outcomeOf(code librdkafka.Code, status librdkafka.Status) Outcome {
	switch {
	case code == librdkafka.None || status == librdkafka.Persisted:
		return OK
	case doubtful[code] || status == librdkafka.PossiblyPersisted:
		return Unknown
	case refusals[code]:
		return Rejected
	}
	return Retry
}

// reasonFor is librdkafka's sentence for why a record failed, or ours where that leaves out which partition.
func reasonFor(code librdkafka.Code, partition int32) string {
	if code == librdkafka.UnknownPartition && partition != AnyPartition {
		return fmt.Sprintf("it has no partition %d", partition)
	}
	return code.String()
}

package producer

import (
	"fmt"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Error says that a record was not written, or may not have been written.
type Error struct {
	Outcome record.Outcome
	Topic   string
	Reason  string
	Cause   error // ErrNoTopic, ErrNoPartition, ErrDenied, ErrTooLarge, or nil
}

func (e *Error) Error() string {
	if e.Topic == "" { // nobody knows any more
		return fmt.Sprintf("%s: %s", e.Outcome, e.Reason)
	}
	return fmt.Sprintf("%s: topic %s: %s", e.Outcome, e.Topic, e.Reason)
}

// Unwrap returns the cause, nil if it has no name.
func (e *Error) Unwrap() error { return e.Cause }

// outcomeOf maps a delivery report to the record's outcome. IsRetriable of the binding's errors does not help here: it
// is false for a full queue and for a timeout.
func outcomeOf(code librdkafka.Code, status librdkafka.Status) record.Outcome {
	switch {
	case code == librdkafka.None || status == librdkafka.Persisted:
		return record.OK
	case status == librdkafka.PossiblyPersisted:
		return record.Unknown
	}
	return kerr.Of(code).Outcome
}

// causeOf is what an Error wraps.
func causeOf(code librdkafka.Code) error {
	if code == librdkafka.MessageTooLarge || code == librdkafka.BatchTooLarge {
		return kerr.ErrTooLarge
	}
	return kerr.Of(code).Produce
}

// reasonFor says why a record failed: in librdkafka's words, or in ours where those do not name the partition.
func reasonFor(code librdkafka.Code, partition int32) string {
	switch {
	case code == librdkafka.UnknownPartition && partition != AnyPartition:
		return fmt.Sprintf("it has no partition %d", partition)
	case code == librdkafka.DifferentRecord:
		return "the brokers refused the batch that it was in, and there was no room or time to send it again alone"
	}
	return code.String()
}

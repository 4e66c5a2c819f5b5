// Package kerr says what an error of librdkafka, or of a broker, means to a caller.
package kerr

import (
	"context"
	"errors"
	"fmt"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// What callers may look for with errors.Is. Errors that are returned wrap them with the topic, the partition or the
// cause.
var (
	// ErrNoTopic says that the brokers know no such topic.
	ErrNoTopic = errors.New("no such topic")
	// ErrNoPartition says that the topic has no such partition.
	ErrNoPartition = errors.New("no such partition")
	// ErrNoGroup says that the brokers know no such group.
	ErrNoGroup = errors.New("no such group")
	// ErrDenied says that the brokers do not allow it: an ACL is missing.
	ErrDenied = errors.New("the brokers do not allow it")
	// ErrNoAnswer says that no broker answers, or did in time.
	ErrNoAnswer = errors.New("no broker answers")
	// ErrNotAsked says that no broker was asked yet: the process has just started.
	ErrNotAsked = errors.New("no broker was asked yet")
	// ErrMaybe says that no broker answered a change in time, which may be done all the same.
	ErrMaybe = errors.New("no answer in time: it may have been done")
	// ErrRefused says that the brokers do not take a change as it is: the same one would fail again.
	ErrRefused = errors.New("the brokers refuse it")
	// ErrNotNow says that the brokers cannot make a change now: the same one may succeed later.
	ErrNotNow = errors.New("the brokers cannot do it now")
	// ErrStopping says that the client is being closed and takes nothing new.
	ErrStopping = errors.New("sluice is stopping")
	// ErrFull says that a bounded queue has no room: the record was not taken, and may be tried again shortly.
	ErrFull = errors.New("queue full")
	// ErrTooLarge says that a record is larger than its topic, or the producer, takes.
	ErrTooLarge = errors.New("too large")
	// ErrTooMany says that as many consumers exist as may.
	ErrTooMany = errors.New("too many groups and topics at once")
	// ErrTooManyReadings says that no slot for another reading came free in time.
	ErrTooManyReadings = errors.New("too many read at once")
	// ErrNotHere says that the partition is not assigned to this proxy, or that another member holds records of it.
	ErrNotHere = errors.New("not assigned here")
	// ErrMoving says that Kafka is moving partitions between the members of the group: try again.
	ErrMoving = errors.New("the group is being rebalanced")
	// ErrMoved says that Kafka has moved a partition to another member of the group.
	ErrMoved = errors.New("the partition has moved away")
	// ErrForeign says that the group has members elsewhere. Kafka lets only them commit, or lets in only who assigns
	// partitions as they do.
	ErrForeign = errors.New("the group has members of its own")
	// ErrNoOffset says that a group has committed no offset, or one that its partition's log does not hold, while
	// auto.offset.reset is error.
	ErrNoOffset = errors.New("there is no offset to start from")
	// ErrProperties says that properties of a client do not fit together.
	ErrProperties = errors.New("the properties do not fit together")
	// ErrNoDeadLetters says that a record cannot be rejected: the group has no dead-letter topic.
	ErrNoDeadLetters = errors.New("no dead-letter topic is configured for this group")
	// ErrUnusable says that a topic cannot be the dead-letter topic that it is meant to be.
	ErrUnusable = errors.New("cannot be used")
	// ErrLetter says that a dead letter is not written yet: its partition stands still.
	ErrLetter = errors.New("dead letter not written")
	// ErrUnreadable says that librdkafka can neither unpack nor read a batch: its partition stands still.
	ErrUnreadable = errors.New("a batch cannot be read")
)

// ChoiceError says why a client may not have records as it wants to have them.
type ChoiceError struct {
	Reason string
	Others bool // other clients of the group have them in another way; else its policies do not allow it
}

func (e *ChoiceError) Error() string { return e.Reason }

// FromCode is the error of a code, nil for librdkafka.None.
func FromCode(code librdkafka.Code) error {
	if code == librdkafka.None {
		return nil
	}
	return &librdkafka.Error{Code: code, Text: code.String()}
}

// CodeOf is librdkafka's code in an error of ours or of the binding's, librdkafka.None where an error has none.
func CodeOf(err error) librdkafka.Code {
	if failure, is := errors.AsType[*librdkafka.Error](err); is {
		return failure.Code
	}
	if failure, is := errors.AsType[binding.Error](err); is {
		return librdkafka.Code(failure.Code())
	}
	return librdkafka.None
}

// Unanswered tells a question that no broker answered from one that a broker refused.
func Unanswered(err error) bool {
	if code := CodeOf(err); code != librdkafka.None {
		return Of(code).Ask == ErrNoAnswer //nolint:errorlint // the table holds the error itself
	}
	return err != nil
}

// TimedOut tells a question that ended with its time, or with the last connection.
func TimedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || CodeOf(err) != librdkafka.None && Unanswered(err)
}

// Absent tells the codes of a topic that does not exist.
func Absent(code librdkafka.Code) bool { return Of(code).Produce == ErrNoTopic } //nolint:errorlint // as above

// Asked is what a question about the cluster ended with: err, wrapped in the error of this package that it means.
func Asked(err error) error {
	switch {
	case errors.Is(err, ErrNoAnswer):
		return err
	case Unanswered(err):
		return fmt.Errorf("%w: %s", ErrNoAnswer, Reason(err))
	}
	if kind := Of(CodeOf(err)).Ask; kind != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	return err
}

// Changed is what a change of a topic ended with: err, wrapped in the error of this package that it means.
func Changed(err error) error {
	switch kind := Of(CodeOf(err)).Change; {
	case err == nil:
		return nil
	case kind != nil && errors.Is(kind, ErrMaybe):
		return ErrMaybe
	case kind != nil:
		return fmt.Errorf("%w: %w", kind, err)
	case Unanswered(err):
		return ErrMaybe
	}
	return err
}

// InGroup is what a commit, or another request in a group's name, ended with.
func InGroup(err error) error {
	failure, is := errors.AsType[*librdkafka.Error](err)
	if !is {
		return err
	}
	switch kind := Of(failure.Code).Group; {
	case kind == nil:
		return err
	case errors.Is(kind, ErrStopping):
		return kind
	default:
		return fmt.Errorf("%w: %s", kind, failure.Text)
	}
}

// Consuming is why records do not come, for the member that waits for them. Its text is the cause's.
func Consuming(cause error) error {
	if failure, is := errors.AsType[*librdkafka.Error](cause); is && Of(failure.Code).Consume != nil {
		return &explanation{cause, Of(failure.Code).Consume}
	}
	return cause
}

// explanation is an error that reads as its cause, and is of a kind.
type explanation struct{ cause, kind error }

func (e *explanation) Error() string   { return e.cause.Error() }
func (e *explanation) Unwrap() []error { return []error{e.cause, e.kind} }

// Reason is an error's text, in plain words where a deadline passed or no broker is connected.
func Reason(err error) string {
	if why, is := explained(err); is {
		return why
	}
	switch code := CodeOf(err); {
	case errors.Is(err, context.DeadlineExceeded), code == librdkafka.TimedOut:
		return "no answer"
	case code == librdkafka.Transport, code == librdkafka.AllBrokersDown:
		return "no connection"
	}
	return err.Error()
}

// NotHere names the partition that is not assigned here; why goes behind it.
func NotHere(tp record.TopicPartition, why string) error {
	return fmt.Errorf("%s: %w%s", tp, ErrNotHere, why)
}

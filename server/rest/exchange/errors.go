package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// Failure is an answer that is no success, in the shape that clients of REST v2 read.
type Failure struct {
	Status  int // HTTP status
	Code    int // error_code of REST v2: the status, or five digits that say more
	Message string
	Again   time.Duration // when the client should come back; 0 if that is not known
	Outcome string        // of the record; empty if the answer is not about one
	Bridge  int           // HTTP status that Strimzi's bridge has for it; 0 if there is no other
	Cause   error         // why the record was not written; nil if that has no name
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Errorf returns a failure whose code is its status.
func Errorf(status int, format string, values ...any) *Failure {
	return &Failure{Status: status, Code: status, Message: fmt.Sprintf(format, values...)}
}

// Codes of REST v2 (Errors.java of its proxy). An answer without a code of its own has its status.
const (
	CodeUnauthentic  = 40101
	CodeDenied       = 40301
	codeNoTopic      = 40401
	codeNoPartition  = 40402
	CodeNoInstance   = 40403
	CodeFormat       = 40601
	CodeExists       = 40902
	CodeIllegalState = 40903
	CodeConfig       = 42204
	codeKafka        = 50002 // do not send it again unchanged
	CodeRetry        = 50003 // may be sent again
)

// NoTopic is the answer for a topic that does not exist.
func NoTopic() *Failure {
	return &Failure{Status: http.StatusNotFound, Code: codeNoTopic, Message: "Topic not found."}
}

// NoPartition is the answer for a partition that does not exist.
func NoPartition() *Failure {
	return &Failure{Status: http.StatusNotFound, Code: codeNoPartition, Message: "Partition not found."}
}

// Stopping is the answer to requests for something new while sluice stops.
func Stopping() error { return Unavailable(kafka.ErrStopping.Error()) }

// Unavailable is the answer for a state that may be over in a second: the client should come back.
func Unavailable(why string) *Failure {
	return &Failure{Status: http.StatusServiceUnavailable, Code: CodeRetry, Message: why, Again: time.Second}
}

// asBridge returns what Strimzi's bridge answers: its codes are the statuses, and what its check of requests refuses is 400.
func (f *Failure) asBridge() *Failure {
	answer := *f
	switch {
	case f.Bridge != 0:
		answer.Status = f.Bridge
	case f.Code == http.StatusUnprocessableEntity, f.Status == http.StatusUnsupportedMediaType:
		answer.Status = http.StatusBadRequest
	}
	answer.Code = answer.Status
	return &answer
}

// fails maps errors of Kafka's side to answers.
var fails = []struct {
	err error
	as  func(error) *Failure
}{
	{kafka.ErrNoTopic, func(error) *Failure { return NoTopic() }},
	{kafka.ErrNoPartition, func(error) *Failure { return NoPartition() }},
	{kafka.ErrDenied, func(err error) *Failure {
		return &Failure{Status: http.StatusForbidden, Code: CodeDenied, Message: err.Error()}
	}},
	{kafka.ErrNotHere, func(err error) *Failure {
		return &Failure{Status: http.StatusConflict, Code: CodeIllegalState, Message: err.Error(), Bridge: http.StatusNotFound}
	}},
	{kafka.ErrForeign, func(err error) *Failure {
		return &Failure{Status: http.StatusConflict, Code: CodeIllegalState, Message: err.Error()}
	}},
	{kafka.ErrNotNow, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrMoved, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrMoving, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrNoAnswer, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrStopping, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrFull, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrTooMany, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrTooManyReadings, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrProperties, func(err error) *Failure { return Errorf(http.StatusUnprocessableEntity, "%v", err) }},
	{kafka.ErrNoGroup, func(error) *Failure { return Errorf(http.StatusNotFound, "Consumer group not found.") }},
	{kafka.ErrTooMuch, func(err error) *Failure { return Errorf(http.StatusUnprocessableEntity, "%v", err) }},
	{kafka.ErrUnreadable, func(err error) *Failure { return Errorf(http.StatusConflict, "%v", err) }},
	{kafka.ErrUnusable, func(err error) *Failure { return Errorf(http.StatusConflict, "%v", err) }},
	{kafka.ErrLetter, func(err error) *Failure { return Unavailable(err.Error()) }},
	{kafka.ErrNoOffset, func(err error) *Failure { return Errorf(http.StatusConflict, "%v", err) }},
	{context.DeadlineExceeded, func(error) *Failure { return Unavailable("no broker answered in time") }},
}

// textStatus has the status for each kind of wrong text.
var textStatus = [...]int{
	jsonscan.Syntax:  http.StatusBadRequest,
	jsonscan.Shape:   http.StatusUnprocessableEntity,
	jsonscan.TooMany: http.StatusRequestEntityTooLarge,
}

// AsFailure returns the answer that an error means.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	var record *kafka.ProduceError
	if errors.As(err, &record) {
		return NotWritten(record)
	}
	var text *jsonscan.Error
	if errors.As(err, &text) {
		return Errorf(textStatus[text.Kind], "%v", err)
	}
	for _, known := range fails {
		if errors.Is(err, known.err) {
			return known.as(err)
		}
	}
	return &Failure{Status: http.StatusInternalServerError, Code: codeKafka, Message: err.Error()}
}

// OutcomeCode returns the error_code of a record that is not written, or may not be. Clients send a record with
// CodeRetry again. If it was written the first time, it is then there twice.
func OutcomeCode(outcome kafka.Outcome) int {
	if outcome == kafka.Rejected {
		return codeKafka
	}
	return CodeRetry
}

// OutcomeReason says why a record is not written, or may not be. It begins with the outcome.
func OutcomeReason(e *kafka.ProduceError) string { return e.Outcome.String() + ": " + e.Reason }

// Invalid is the answer to a request that is well formed, but not what the call expects.
func Invalid(format string, values ...any) error {
	return Errorf(http.StatusUnprocessableEntity, format, values...)
}

// NotWritten is the answer for a record that is not written, or may not be.
func NotWritten(e *kafka.ProduceError) *Failure {
	f := &Failure{Code: OutcomeCode(e.Outcome), Message: OutcomeReason(e), Outcome: e.Outcome.String(), Cause: e.Cause}
	switch e.Outcome {
	case kafka.Rejected:
		f.Status = http.StatusUnprocessableEntity
	case kafka.Retry:
		f.Status, f.Again = http.StatusServiceUnavailable, time.Second
	default:
		f.Status = http.StatusGatewayTimeout
	}
	return f
}

// IllegalState is the answer to a request that does not fit the state of a group or an instance.
func IllegalState(why string) error {
	return &Failure{Status: http.StatusConflict, Code: CodeIllegalState, Message: why}
}

package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// failure is an answer that is no success, in the shape that clients of REST v2 read.
type failure struct {
	status  int // of HTTP
	code    int // of REST v2: the status, or more exact and with five digits
	message string
	again   time.Duration // when to come back; zero for no promise
	outcome string        // of a record, where the answer is about one
	cause   error         // of its end, where that has a name
}

func (f *failure) Error() string { return f.message }

// plain is a failure whose code is its status.
func plain(status int, format string, values ...any) *failure {
	return &failure{status: status, code: status, message: fmt.Sprintf(format, values...)}
}

// Codes of REST v2 (Errors.java of its proxy).
const (
	codeUnauthentic = 40101
	codeDenied      = 40301
	codeNoTopic     = 40401
	codeNoPartition = 40402
	codeKafka       = 50002 // do not send it again unchanged
	codeRetry       = 50003 // may be sent again
)

func noTopic() *failure {
	return &failure{status: http.StatusNotFound, code: codeNoTopic, message: "Topic not found."}
}

func noPartition() *failure {
	return &failure{status: http.StatusNotFound, code: codeNoPartition, message: "Partition not found."}
}

// errStopping is the answer to requests for something new while sluice stops.
func errStopping() error { return unavailable(kafka.ErrStopping.Error()) }

func unavailable(why string) *failure {
	return &failure{status: http.StatusServiceUnavailable, code: codeRetry, message: why, again: time.Second}
}

// fails is what Kafka's side says, as an answer.
var fails = []struct {
	err error
	as  func(error) *failure
}{
	{kafka.ErrNoTopic, func(error) *failure { return noTopic() }},
	{kafka.ErrNoPartition, func(error) *failure { return noPartition() }},
	{kafka.ErrDenied, func(err error) *failure {
		return &failure{status: http.StatusForbidden, code: codeDenied, message: err.Error()}
	}},
	{kafka.ErrNotHere, func(err error) *failure {
		return &failure{status: http.StatusConflict, code: codeIllegalState, message: err.Error()}
	}},
	{kafka.ErrForeign, func(err error) *failure {
		return &failure{status: http.StatusConflict, code: codeIllegalState, message: err.Error()}
	}},
	{kafka.ErrMoved, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrMoving, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrNoAnswer, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrStopping, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrFull, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrTooMany, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrTooManyReadings, func(err error) *failure { return unavailable(err.Error()) }},
	{kafka.ErrNoGroup, func(error) *failure { return plain(http.StatusNotFound, "Consumer group not found.") }},
	{kafka.ErrTooMuch, func(err error) *failure { return plain(http.StatusUnprocessableEntity, "%v", err) }},
	{kafka.ErrUnreadable, func(err error) *failure { return plain(http.StatusConflict, "%v", err) }},
	{kafka.ErrNoOffset, func(err error) *failure { return plain(http.StatusConflict, "%v", err) }},
	{context.DeadlineExceeded, func(error) *failure { return unavailable("no broker answered in time") }},
}

// textStatus is the status for each kind of wrong text.
var textStatus = [...]int{
	jsonscan.Syntax:  http.StatusBadRequest,
	jsonscan.Shape:   http.StatusUnprocessableEntity,
	jsonscan.TooMany: http.StatusRequestEntityTooLarge,
}

// asFailure finds the answer that an error means.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var record *kafka.ProduceError
	if errors.As(err, &record) {
		return ended(record)
	}
	var text *jsonscan.Error
	if errors.As(err, &text) {
		return plain(textStatus[text.Kind], "%v", err)
	}
	for _, known := range fails {
		if errors.Is(err, known.err) {
			return known.as(err)
		}
	}
	return &failure{status: http.StatusInternalServerError, code: codeKafka, message: err.Error()}
}

// codeOf is the error_code of a record that is not written, or may not be. Clients send again what has
// codeRetry: of an unknown record that is at least once, as everywhere in Kafka.
func codeOf(outcome kafka.Outcome) int {
	if outcome == kafka.Rejected {
		return codeKafka
	}
	return codeRetry
}

// reason is why a record is not written, or may not be, beginning with its outcome.
func reason(e *kafka.ProduceError) string { return e.Outcome.String() + ": " + e.Reason }

// invalid is a body that is JSON, but not what was asked for.
func invalid(format string, values ...any) error {
	return plain(http.StatusUnprocessableEntity, format, values...)
}

// legalTopic tells what Kafka takes as a topic's name (Topic.java, validate).
func legalTopic(name string) bool {
	illegal := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}
	return name != "" && name != "." && name != ".." && len(name) <= 249 && strings.IndexFunc(name, illegal) < 0
}

// ended is the answer for a record that is not written, or may not be.
func ended(e *kafka.ProduceError) *failure {
	f := &failure{code: codeOf(e.Outcome), message: reason(e), outcome: e.Outcome.String(), cause: e.Cause}
	switch e.Outcome {
	case kafka.Rejected:
		f.status = http.StatusUnprocessableEntity
	case kafka.Retry:
		f.status, f.again = http.StatusServiceUnavailable, time.Second
	default:
		f.status = http.StatusGatewayTimeout
	}
	return f
}

const codeNoInstance = 40403

const codeFormat = 40601

const codeExists = 40902

const codeIllegalState = 40903

// Codes of REST v2 for instances.
const (
	codeConfig = 42204
)

func illegalState(why string) error {
	return &failure{status: http.StatusConflict, code: codeIllegalState, message: why}
}

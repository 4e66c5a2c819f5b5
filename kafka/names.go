package kafka

import (
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// The names of the rooms below that callers of a Client need.
type (
	Config         = config.Config
	Delivery       = ledger.Delivery
	Header         = record.Header
	MemberStatus   = ledger.MemberStatus
	Outcome        = record.Outcome
	OverrideError  = config.OverrideError
	Place          = record.PartitionOffset
	Properties     = config.Properties
	Record         = record.Record
	TopicPartition = record.TopicPartition
	WindowError    = ledger.WindowError
)

const (
	Buffered  = config.Buffered
	Delivered = config.Delivered
	OK        = record.OK
	Rejected  = record.Rejected
	Retry     = record.Retry
	Unknown   = record.Unknown
)

var (
	ErrDenied          = kerr.ErrDenied
	ErrForeign         = kerr.ErrForeign
	ErrFull            = kerr.ErrFull
	ErrMaybe           = kerr.ErrMaybe
	ErrMoved           = kerr.ErrMoved
	ErrMoving          = kerr.ErrMoving
	ErrNoAnswer        = kerr.ErrNoAnswer
	ErrNoDeadLetters   = kerr.ErrNoDeadLetters
	ErrNoGroup         = kerr.ErrNoGroup
	ErrNoOffset        = kerr.ErrNoOffset
	ErrNoPartition     = kerr.ErrNoPartition
	ErrNoTopic         = kerr.ErrNoTopic
	ErrNotAsked        = kerr.ErrNotAsked
	ErrNotHere         = kerr.ErrNotHere
	ErrStopping        = kerr.ErrStopping
	ErrTooMany         = kerr.ErrTooMany
	ErrTooManyReadings = kerr.ErrTooManyReadings
	ErrUnreadable      = kerr.ErrUnreadable
)

var (
	Defaults = config.Defaults
	Forced   = config.Forced
	Pattern  = topicset.Pattern
	Settable = config.Settable
)

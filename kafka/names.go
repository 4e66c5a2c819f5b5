package kafka

import (
	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// The names of the rooms below that callers of a Client need.
type (
	AckMode            = consumer.AckMode
	GroupTopicCounts   = consumer.GroupTopicCounts
	Identity           = consumer.Identity
	Member             = consumer.Member
	Memory             = consumer.Memory
	CrowdedError       = consumer.CrowdedError
	SubscribeOptions   = consumer.SubscribeOptions
	SubscriptionStatus = consumer.SubscriptionStatus
	TakenError         = consumer.TakenError
	StandingRecord     = ledger.StandingRecord
	BrokerStatus       = producer.BrokerStatus
	Outgoing           = producer.Outgoing
	ProduceError       = producer.Error
	TopicCounts        = producer.TopicCounts
	ProfileStatus      = producer.ProfileStatus
	Publisher          = producer.Publisher
	Result             = producer.Result
	BeyondError        = cluster.BeyondError
	Broker             = cluster.Broker
	Cluster            = cluster.Cluster
	Config             = config.Config
	Delivery           = ledger.Delivery
	Group              = cluster.Group
	GroupMember        = cluster.GroupMember
	GroupOffset        = cluster.GroupOffset
	Header             = record.Header
	Heard              = cluster.Heard
	MemberStatus       = ledger.MemberStatus
	Outcome            = record.Outcome
	OverrideError      = config.OverrideError
	Page               = reader.Page
	PartitionInfo      = cluster.PartitionInfo
	PartitionLag       = cluster.PartitionLag
	PartitionOffset    = record.PartitionOffset
	Properties         = config.Properties
	ReadRequest        = reader.ReadRequest
	Record             = record.Record
	Target             = cluster.Target
	Topic              = cluster.Topic
	TopicPartition     = record.TopicPartition
	TopicSetting       = cluster.TopicSetting
	WindowError        = ledger.WindowError
)

const (
	AckExplicit  = consumer.AckExplicit
	AckNext      = consumer.AckNext
	AckNone      = consumer.AckNone
	AnyPartition = producer.AnyPartition
	AtTime       = cluster.AtTime
	Beginning    = cluster.Beginning
	Buffered     = config.Buffered
	Delivered    = config.Delivered
	Earliest     = cluster.Earliest
	Latest       = cluster.Latest
	OK           = record.OK
	Rejected     = record.Rejected
	Retry        = record.Retry
	Unknown      = record.Unknown
	UnknownState = cluster.UnknownState
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
	ErrTooMuch         = cluster.ErrTooMuch
	ErrUnreadable      = kerr.ErrUnreadable
)

var (
	Defaults    = config.Defaults
	StayedFull  = producer.StayedFull
	Forced      = config.Forced
	OpenCluster = cluster.Alone
	Pattern     = topicset.Pattern
	Settable    = config.Settable
)

package kafka

import (
	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/consumer"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/ledger"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/producer"
	"github.com/sluice-proxy/sluice/kafka/reader"
	"github.com/sluice-proxy/sluice/kafka/record"
	"github.com/sluice-proxy/sluice/kafka/topicset"
)

// The names of the packages below that callers of a Client need.
type (
	AckMode            = consumer.AckMode
	BeyondError        = cluster.BeyondError
	Broker             = cluster.Broker
	BrokerStatus       = producer.BrokerStatus
	Cluster            = cluster.Cluster
	ChoiceError        = kerr.ChoiceError
	ClientError        = config.ClientError
	Config             = config.Config
	CrowdedError       = consumer.CrowdedError
	Crasher            = consumer.Crasher
	DeadLetter         = failures.DeadLetter
	Delivery           = ledger.Delivery
	DeadCount          = consumer.DeadCount
	Dispatch           = failures.Dispatch
	BreakerState       = failures.BreakerState
	FailingStatus      = consumer.FailingStatus
	Failure            = failures.Failure
	FailureOverrides   = failures.Overrides
	Details            = librdkafka.Details
	Group              = cluster.Group
	GroupFailures      = consumer.GroupFailures
	GroupLease         = consumer.GroupLease
	GroupMember        = cluster.GroupMember
	GroupMove          = cluster.GroupMove
	GroupOffset        = cluster.GroupOffset
	GroupPolicies      = failures.GroupPolicies
	GroupTopicCounts   = consumer.GroupTopicCounts
	Header             = record.Header
	Heard              = cluster.Heard
	Identity           = consumer.Identity
	Member             = consumer.Member
	MemberStatus       = ledger.MemberStatus
	Memory             = consumer.Memory
	Outcome            = record.Outcome
	Outgoing           = producer.Outgoing
	OverrideError      = config.OverrideError
	PackedHeaders      = librdkafka.PackedHeaders
	Page               = reader.Page
	PartitionInfo      = cluster.PartitionInfo
	PartitionLag       = cluster.PartitionLag
	PartitionOffset    = record.PartitionOffset
	Policies           = failures.Policies
	Policy             = failures.Policy
	PolicyError        = failures.PolicyError
	ProduceError       = producer.Error
	ProfileStatus      = producer.ProfileStatus
	Properties         = config.Properties
	Publisher          = producer.Publisher
	ReadRequest        = reader.ReadRequest
	Record             = record.Record
	Result             = producer.Result
	Section            = config.Section
	StoppedPartition   = consumer.StoppedPartition
	StopReason         = ledger.StopReason
	SubscribeOptions   = consumer.SubscribeOptions
	SubscriptionStatus = consumer.SubscriptionStatus
	TakenError         = consumer.TakenError
	Target             = cluster.Target
	TopicBounds        = consumer.TopicBounds
	NewTopic           = cluster.NewTopic
	SettingChange      = cluster.SettingChange
	Topic              = cluster.Topic
	TopicCounts        = producer.TopicCounts
	TopicPartition     = record.TopicPartition
	TopicPolicy        = failures.TopicPolicy
	TopicSetting       = cluster.TopicSetting
	WindowError        = ledger.WindowError
)

// MostWindowRecords is the largest Config.Consume.WindowRecords.
const MostWindowRecords = config.MostWindowRecords

const (
	AckExplicit      = consumer.AckExplicit
	AckNext          = consumer.AckNext
	AckNone          = consumer.AckNone
	AnyPartition     = producer.AnyPartition
	AtTime           = cluster.AtTime
	Beginning        = cluster.Beginning
	BlockKey         = failures.BlockKey
	BlockPartition   = failures.BlockPartition
	Buffered         = config.Buffered
	BreakerClosed    = failures.BreakerClosed
	BreakerOpen      = failures.BreakerOpen
	BreakerProbing   = failures.BreakerProbing
	ByPolicy         = consumer.ByPolicy
	Delivered        = config.Delivered
	Earliest         = cluster.Earliest
	ForAll           = config.ForAll
	ForConsumers     = config.ForConsumers
	ForProducers     = config.ForProducers
	Keyed            = failures.Keyed
	Latest           = cluster.Latest
	LeaseExpired     = failures.LeaseExpired
	OK               = record.OK
	Ordered          = failures.Ordered
	OtherClasses     = consumer.OtherClasses
	OverridePrefix   = failures.OverridePrefix
	Pass             = failures.Pass
	Rejected         = record.Rejected
	RetriesByDefault = failures.RetriesByDefault
	Retry            = record.Retry
	Shared           = failures.Shared
	Unknown          = record.Unknown
	UnknownState     = cluster.UnknownState
	Unlimited        = failures.Unlimited
)

var (
	ErrDenied          = kerr.ErrDenied
	ErrForeign         = kerr.ErrForeign
	ErrFull            = kerr.ErrFull
	ErrLetter          = kerr.ErrLetter
	ErrMaybe           = kerr.ErrMaybe
	ErrNotNow          = kerr.ErrNotNow
	ErrRefused         = kerr.ErrRefused
	ErrMoved           = kerr.ErrMoved
	ErrMoving          = kerr.ErrMoving
	ErrNoAnswer        = kerr.ErrNoAnswer
	ErrNoDeadLetters   = kerr.ErrNoDeadLetters
	ErrNoGroup         = kerr.ErrNoGroup
	ErrNoOffset        = kerr.ErrNoOffset
	ErrNoPartition     = kerr.ErrNoPartition
	ErrNotAsked        = kerr.ErrNotAsked
	ErrNotHere         = kerr.ErrNotHere
	ErrNoTopic         = kerr.ErrNoTopic
	ErrProperties      = kerr.ErrProperties
	ErrStopping        = kerr.ErrStopping
	ErrTooMany         = kerr.ErrTooMany
	ErrTooManyReadings = kerr.ErrTooManyReadings
	ErrTooMuch         = cluster.ErrTooMuch
	ErrUnreadable      = kerr.ErrUnreadable
	ErrUnusable        = kerr.ErrUnusable
)

var (
	DefaultBreaker = failures.DefaultBreaker
	Defaults       = config.Defaults
	Forced         = config.Forced
	OpenCluster    = cluster.Alone
	Overridable    = failures.Overridable
	Pattern        = topicset.Pattern
	Nameable       = config.Nameable
	StayedFull     = producer.StayedFull
	StopReasons    = consumer.StopReasons
	WrongOverride  = failures.WrongOverride

	// FindDeadLetter reads a dead letter.
	FindDeadLetter = failures.Find
)

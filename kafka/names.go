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

// The names of the packages below that callers of a Client need.
type (
	AckMode            = consumer.AckMode
	BeyondError        = cluster.BeyondError
	Broker             = cluster.Broker
	BrokerStatus       = producer.BrokerStatus
	Cluster            = cluster.Cluster
	ClientError        = config.ClientError
	Config             = config.Config
	CrowdedError       = consumer.CrowdedError
	Delivery           = ledger.Delivery
	Group              = cluster.Group
	GroupLease         = consumer.GroupLease
	GroupMember        = cluster.GroupMember
	GroupMove          = cluster.GroupMove
	GroupOffset        = cluster.GroupOffset
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
	Page               = reader.Page
	PartitionInfo      = cluster.PartitionInfo
	PartitionLag       = cluster.PartitionLag
	PartitionOffset    = record.PartitionOffset
	ProduceError       = producer.Error
	ProfileStatus      = producer.ProfileStatus
	Properties         = config.Properties
	Publisher          = producer.Publisher
	ReadRequest        = reader.ReadRequest
	Record             = record.Record
	Result             = producer.Result
	Section            = config.Section
	SubscribeOptions   = consumer.SubscribeOptions
	SubscriptionStatus = consumer.SubscriptionStatus
	TakenError         = consumer.TakenError
	Target             = cluster.Target
	NewTopic           = cluster.NewTopic
	SettingChange      = cluster.SettingChange
	Topic              = cluster.Topic
	TopicCounts        = producer.TopicCounts
	TopicPartition     = record.TopicPartition
	TopicSetting       = cluster.TopicSetting
	WindowError        = ledger.WindowError
)

// MostWindowRecords is the largest Config.Consume.WindowRecords.
const MostWindowRecords = config.MostWindowRecords

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
	ForAll       = config.ForAll
	ForConsumers = config.ForConsumers
	ForProducers = config.ForProducers
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
)

var (
	Defaults    = config.Defaults
	Forced      = config.Forced
	OpenCluster = cluster.Alone
	Pattern     = topicset.Pattern
	Nameable    = config.Nameable
	StayedFull  = producer.StayedFull
)

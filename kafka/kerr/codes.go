package kerr

import (
	"strings"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// Meaning is what one code of librdkafka or of a broker means, by what was under way.
type Meaning struct {
	// Outcome is the end of a produced record that failed with the code.
	Outcome record.Outcome
	// Divide says that the code is about a batch: its records are sent again in smaller ones before they end.
	Divide bool
	// Produce, Ask, Change, Group and Consume are errors of this package, nil where callers get the code's own text: of
	// a produced record, of a question about the cluster, of a change of a topic, of a commit or another request in a
	// group's name, and of a member that waits for records.
	Produce, Ask, Change, Group, Consume error
	// Unreadable says that librdkafka cannot read a fetched batch and will fetch it again for ever.
	Unreadable bool
}

// meanings decide every code of librdkafka, by its name there (RD_KAFKA_RESP_ERR_...): names that begin with an
// underscore are librdkafka's own, the others are the brokers', as in the Kafka protocol's error table. A new version of
// librdkafka with other codes fails the tests.
var meanings = []struct {
	Meaning
	codes string
}{
	{Meaning{Outcome: record.OK}, `NO_ERROR`},

	// The brokers looked at the record, or at its batch, and refused it. They refuse whole batches for one record;
	// librdkafka tells the others apart only where two or more were at fault.
	{
		Meaning{Outcome: record.Rejected, Divide: true},
		`INVALID_RECORD INVALID_TIMESTAMP RECORD_LIST_TOO_LARGE INVALID_MSG_SIZE`,
	},
	{Meaning{Outcome: record.Rejected, Divide: true, Change: ErrRefused}, `POLICY_VIOLATION`},
	{Meaning{Outcome: record.Rejected, Divide: true, Unreadable: true}, `MSG_SIZE_TOO_LARGE`},
	{Meaning{Outcome: record.Retry, Divide: true}, `_INVALID_DIFFERENT_RECORD INVALID_PRODUCER_EPOCH`},

	// The same record would fail again, whatever batch it is in.
	{Meaning{Outcome: record.Rejected, Produce: ErrNoTopic, Change: ErrNoTopic}, `UNKNOWN_TOPIC_OR_PART _UNKNOWN_TOPIC UNKNOWN_TOPIC_ID`},
	{Meaning{Outcome: record.Rejected, Produce: ErrNoPartition}, `_UNKNOWN_PARTITION`},
	{
		Meaning{Outcome: record.Rejected, Produce: ErrDenied, Ask: ErrDenied, Change: ErrDenied, Group: ErrDenied, Consume: ErrDenied},
		`TOPIC_AUTHORIZATION_FAILED`,
	},
	{Meaning{Outcome: record.Rejected, Produce: ErrDenied, Ask: ErrDenied, Change: ErrDenied}, `CLUSTER_AUTHORIZATION_FAILED`},
	{Meaning{Outcome: record.Rejected, Produce: ErrDenied}, `TRANSACTIONAL_ID_AUTHORIZATION_FAILED`},
	{
		Meaning{Outcome: record.Rejected},
		`INVALID_REQUIRED_ACKS UNSUPPORTED_FOR_MESSAGE_FORMAT UNSUPPORTED_COMPRESSION_TYPE _KEY_SERIALIZATION _VALUE_SERIALIZATION`,
	},
	{
		Meaning{Outcome: record.Rejected, Change: ErrRefused},
		`TOPIC_EXCEPTION UNSUPPORTED_VERSION INVALID_REQUEST _UNSUPPORTED_FEATURE _INVALID_ARG`,
	},

	// The record was not sent, or was refused before anybody looked at it. INVALID_MSG is a record that was damaged on
	// its way.
	{Meaning{Outcome: record.Retry, Ask: ErrNoAnswer}, `_ALL_BROKERS_DOWN`},
	{Meaning{Outcome: record.Retry, Group: ErrStopping}, `_DESTROY`},
	{
		Meaning{Outcome: record.Retry},
		`_DESTROY_BROKER _RESOLVE _MSG_TIMED_OUT _TIMED_OUT_QUEUE _QUEUE_FULL _ISR_INSUFF
		_STATE _AUTHENTICATION _RETRY _PURGE_QUEUE _FATAL _FENCED
		LEADER_NOT_AVAILABLE BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE NOT_ENOUGH_REPLICAS INVALID_MSG
		INVALID_PRODUCER_ID_MAPPING FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH INCONSISTENT_TOPIC_ID
		SASL_AUTHENTICATION_FAILED ILLEGAL_SASL_STATE UNSUPPORTED_SASL_MECHANISM SECURITY_DISABLED
		OPERATION_NOT_ATTEMPTED STALE_BROKER_EPOCH REBOOTSTRAP_REQUIRED`,
	},
	{Meaning{Outcome: record.Retry, Change: ErrNotNow}, `THROTTLING_QUOTA_EXCEEDED REASSIGNMENT_IN_PROGRESS`},

	// The record may be in the log. librdkafka's own status is asked as well, but it says "not persisted" of requests
	// that a broker answered with one of these, which may have appended all the same. A broker that ceases to lead while
	// it waits for replicas has appended.
	{Meaning{Outcome: record.Unknown, Ask: ErrNoAnswer, Change: ErrMaybe, Group: ErrNoAnswer}, `_TRANSPORT _TIMED_OUT`},
	{Meaning{Outcome: record.Unknown, Change: ErrMaybe, Group: ErrNoAnswer}, `REQUEST_TIMED_OUT`},
	{Meaning{Outcome: record.Unknown, Unreadable: true}, `_BAD_MSG _BAD_COMPRESSION _CRIT_SYS_RESOURCE`},
	{
		Meaning{Outcome: record.Unknown},
		`_PURGE_INFLIGHT _SSL _FAIL _INTR _GAPLESS_GUARANTEE _INCONSISTENT
		UNKNOWN NOT_ENOUGH_REPLICAS_AFTER_APPEND NOT_LEADER_FOR_PARTITION NETWORK_EXCEPTION
		KAFKA_STORAGE_ERROR LOG_DIR_NOT_FOUND
		OUT_OF_ORDER_SEQUENCE_NUMBER DUPLICATE_SEQUENCE_NUMBER UNKNOWN_PRODUCER_ID`,
	},

	// No produced record ends with these: they are about changes of topics.
	{
		Meaning{Outcome: record.Unknown, Change: ErrRefused},
		`TOPIC_ALREADY_EXISTS INVALID_PARTITIONS INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT INVALID_CONFIG TOPIC_DELETION_DISABLED`,
	},
	{Meaning{Outcome: record.Unknown, Change: ErrNotNow}, `NOT_CONTROLLER`},

	// No produced record ends with these either: they are about groups, administration, transactions and fetching. Should one
	// all the same, nothing is known of the record.
	{
		Meaning{Outcome: record.Unknown, Group: ErrNoAnswer},
		`_WAIT_COORD COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR`,
	},
	{Meaning{Outcome: record.Unknown, Group: ErrMoving}, `REBALANCE_IN_PROGRESS ILLEGAL_GENERATION UNKNOWN_MEMBER_ID`},
	{Meaning{Outcome: record.Unknown, Group: ErrDenied, Consume: ErrDenied}, `GROUP_AUTHORIZATION_FAILED`},
	{Meaning{Outcome: record.Unknown, Consume: ErrNoOffset}, `_AUTO_OFFSET_RESET`},
	{Meaning{Outcome: record.Unknown, Consume: ErrForeign}, `INCONSISTENT_GROUP_PROTOCOL`},
	{Meaning{Outcome: record.Unknown, Unreadable: true}, `_NOT_IMPLEMENTED`},
	{
		Meaning{Outcome: record.Unknown},
		`_BEGIN _END _PARTITION_EOF _FS _NODE_UPDATE _UNKNOWN_GROUP _IN_PROGRESS _PREV_IN_PROGRESS
		_EXISTING_SUBSCRIPTION _ASSIGN_PARTITIONS _REVOKE_PARTITIONS _CONFLICT _UNKNOWN_PROTOCOL
		_NO_OFFSET _OUTDATED _WAIT_CACHE _KEY_DESERIALIZATION _VALUE_DESERIALIZATION _PARTIAL _READ_ONLY _NOENT _UNDERFLOW
		_INVALID_TYPE _MAX_POLL_EXCEEDED _UNKNOWN_BROKER _NOT_CONFIGURED _APPLICATION _ASSIGNMENT_LOST _NOOP
		_LOG_TRUNCATION
		OFFSET_OUT_OF_RANGE STALE_CTRL_EPOCH OFFSET_METADATA_TOO_LARGE INVALID_GROUP_ID
		INVALID_SESSION_TIMEOUT INVALID_COMMIT_OFFSET_SIZE INVALID_TXN_STATE INVALID_TRANSACTION_TIMEOUT
		CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND
		DELEGATION_TOKEN_OWNER_MISMATCH DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_AUTHORIZATION_FAILED
		DELEGATION_TOKEN_EXPIRED INVALID_PRINCIPAL_TYPE NON_EMPTY_GROUP GROUP_ID_NOT_FOUND FETCH_SESSION_ID_NOT_FOUND
		INVALID_FETCH_SESSION_EPOCH LISTENER_NOT_FOUND OFFSET_NOT_AVAILABLE MEMBER_ID_REQUIRED
		PREFERRED_LEADER_NOT_AVAILABLE GROUP_MAX_SIZE_REACHED FENCED_INSTANCE_ID ELIGIBLE_LEADERS_NOT_AVAILABLE
		ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS GROUP_SUBSCRIBED_TO_TOPIC UNSTABLE_OFFSET_COMMIT PRODUCER_FENCED
		RESOURCE_NOT_FOUND DUPLICATE_RESOURCE UNACCEPTABLE_CREDENTIAL INCONSISTENT_VOTER_SET INVALID_UPDATE_VERSION
		FEATURE_UPDATE_FAILED PRINCIPAL_DESERIALIZATION_FAILURE FENCED_MEMBER_EPOCH UNRELEASED_INSTANCE_ID
		UNSUPPORTED_ASSIGNOR STALE_MEMBER_EPOCH MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE UNKNOWN_CONTROLLER_ID
		UNKNOWN_SUBSCRIPTION_ID TELEMETRY_TOO_LARGE INVALID_REGISTRATION TRANSACTION_ABORTABLE INVALID_RECORD_STATE
		SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH FENCED_STATE_EPOCH INVALID_VOTER_KEY DUPLICATE_VOTER
		VOTER_NOT_FOUND INVALID_REGULAR_EXPRESSION STREAMS_INVALID_TOPOLOGY STREAMS_INVALID_TOPOLOGY_EPOCH
		STREAMS_TOPOLOGY_FENCED SHARE_SESSION_LIMIT_REACHED`,
	},
}

// byCode are the meanings by code.
var byCode = func() map[librdkafka.Code]Meaning {
	named := map[string]Meaning{}
	for _, m := range meanings {
		for _, name := range strings.Fields(m.codes) {
			named[name] = m.Meaning
		}
	}
	coded := map[librdkafka.Code]Meaning{}
	for code, name := range librdkafka.Codes() {
		if m, decided := named[name]; decided {
			coded[code] = m
		}
	}
	return coded
}()

// Of is what a code means. Brokers newer than librdkafka may send codes that it has no name for: nothing is known of
// those, and a record that fails with one ends as Unknown.
func Of(code librdkafka.Code) Meaning {
	if m, decided := byCode[code]; decided {
		return m
	}
	return Meaning{Outcome: record.Unknown}
}

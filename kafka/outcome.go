package kafka

import (
	"fmt"
	"strings"

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

// verdict is what a code means for a record that failed with it.
type verdict struct {
	outcome Outcome
	divide  bool  // it is about the batch: before this is the record's end, it is sent again in a smaller one
	cause   error // where that has a name
}

// decisions decide every code of librdkafka, by its name there (RD_KAFKA_RESP_ERR_...): those with an underscore
// in front are its own, the others are the brokers', as in the Kafka protocol's error table. A new version of
// librdkafka that has others fails the tests.
var decisions = []struct {
	verdict
	codes string
}{
	{verdict{outcome: OK}, `NO_ERROR`},

	// The record, or the batch that it was in, was looked at and refused. What the brokers find wrong with one record
	// they say of the whole batch (librdkafka tells the others apart only where two or more were at fault).
	{
		verdict{outcome: Rejected, divide: true},
		`INVALID_RECORD INVALID_TIMESTAMP MSG_SIZE_TOO_LARGE RECORD_LIST_TOO_LARGE INVALID_MSG_SIZE POLICY_VIOLATION`,
	},
	{verdict{outcome: Retry, divide: true}, `_INVALID_DIFFERENT_RECORD INVALID_PRODUCER_EPOCH`},

	// The same record would fail again, whatever batch it is in.
	{verdict{outcome: Rejected, cause: ErrNoTopic}, `UNKNOWN_TOPIC_OR_PART _UNKNOWN_TOPIC UNKNOWN_TOPIC_ID`},
	{verdict{outcome: Rejected, cause: ErrNoPartition}, `_UNKNOWN_PARTITION`},
	{
		verdict{outcome: Rejected, cause: ErrDenied},
		`TOPIC_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED TRANSACTIONAL_ID_AUTHORIZATION_FAILED`,
	},
	{
		verdict{outcome: Rejected},
		`TOPIC_EXCEPTION INVALID_REQUIRED_ACKS UNSUPPORTED_FOR_MESSAGE_FORMAT UNSUPPORTED_COMPRESSION_TYPE
		UNSUPPORTED_VERSION INVALID_REQUEST _UNSUPPORTED_FEATURE _INVALID_ARG _KEY_SERIALIZATION _VALUE_SERIALIZATION`,
	},

	// It was not sent, or refused before it was looked at. A broker says INVALID_MSG of what was damaged on its way.
	{
		verdict{outcome: Retry},
		`_DESTROY _DESTROY_BROKER _RESOLVE _MSG_TIMED_OUT _TIMED_OUT_QUEUE _ALL_BROKERS_DOWN _QUEUE_FULL _ISR_INSUFF
		_STATE _AUTHENTICATION _RETRY _PURGE_QUEUE _FATAL _FENCED
		LEADER_NOT_AVAILABLE BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE NOT_ENOUGH_REPLICAS INVALID_MSG
		INVALID_PRODUCER_ID_MAPPING FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH INCONSISTENT_TOPIC_ID
		SASL_AUTHENTICATION_FAILED ILLEGAL_SASL_STATE UNSUPPORTED_SASL_MECHANISM SECURITY_DISABLED
		THROTTLING_QUOTA_EXCEEDED OPERATION_NOT_ATTEMPTED REASSIGNMENT_IN_PROGRESS STALE_BROKER_EPOCH REBOOTSTRAP_REQUIRED`,
	},

	// It may be in the log. librdkafka's own status is asked as well, but it says "not persisted" of requests that
	// a broker answered with one of these, which may have appended all the same. A broker that ceases to lead while it
	// waits for replicas has appended.
	{
		verdict{outcome: Unknown},
		`_PURGE_INFLIGHT _TRANSPORT _TIMED_OUT _SSL _FAIL _BAD_MSG _BAD_COMPRESSION _CRIT_SYS_RESOURCE _INTR
		_GAPLESS_GUARANTEE _INCONSISTENT
		UNKNOWN REQUEST_TIMED_OUT NOT_ENOUGH_REPLICAS_AFTER_APPEND NOT_LEADER_FOR_PARTITION NETWORK_EXCEPTION
		KAFKA_STORAGE_ERROR LOG_DIR_NOT_FOUND
		OUT_OF_ORDER_SEQUENCE_NUMBER DUPLICATE_SEQUENCE_NUMBER UNKNOWN_PRODUCER_ID`,
	},

	// No record ends with these: they are about groups, administration, transactions and fetching. Should one
	// all the same, nothing is known of it.
	{
		verdict{outcome: Unknown},
		`_BEGIN _END _PARTITION_EOF _FS _NODE_UPDATE _WAIT_COORD _UNKNOWN_GROUP _IN_PROGRESS _PREV_IN_PROGRESS
		_EXISTING_SUBSCRIPTION _ASSIGN_PARTITIONS _REVOKE_PARTITIONS _CONFLICT _UNKNOWN_PROTOCOL _NOT_IMPLEMENTED
		_NO_OFFSET _OUTDATED _WAIT_CACHE _KEY_DESERIALIZATION _VALUE_DESERIALIZATION _PARTIAL _READ_ONLY _NOENT _UNDERFLOW
		_INVALID_TYPE _MAX_POLL_EXCEEDED _UNKNOWN_BROKER _NOT_CONFIGURED _APPLICATION _ASSIGNMENT_LOST _NOOP
		_AUTO_OFFSET_RESET _LOG_TRUNCATION
		OFFSET_OUT_OF_RANGE STALE_CTRL_EPOCH OFFSET_METADATA_TOO_LARGE COORDINATOR_LOAD_IN_PROGRESS
		COORDINATOR_NOT_AVAILABLE NOT_COORDINATOR ILLEGAL_GENERATION INCONSISTENT_GROUP_PROTOCOL INVALID_GROUP_ID
		UNKNOWN_MEMBER_ID INVALID_SESSION_TIMEOUT REBALANCE_IN_PROGRESS INVALID_COMMIT_OFFSET_SIZE
		GROUP_AUTHORIZATION_FAILED TOPIC_ALREADY_EXISTS INVALID_PARTITIONS INVALID_REPLICATION_FACTOR
		INVALID_REPLICA_ASSIGNMENT INVALID_CONFIG NOT_CONTROLLER INVALID_TXN_STATE INVALID_TRANSACTION_TIMEOUT
		CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND
		DELEGATION_TOKEN_OWNER_MISMATCH DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_AUTHORIZATION_FAILED
		DELEGATION_TOKEN_EXPIRED INVALID_PRINCIPAL_TYPE NON_EMPTY_GROUP GROUP_ID_NOT_FOUND FETCH_SESSION_ID_NOT_FOUND
		INVALID_FETCH_SESSION_EPOCH LISTENER_NOT_FOUND TOPIC_DELETION_DISABLED OFFSET_NOT_AVAILABLE MEMBER_ID_REQUIRED
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

// verdicts are the decisions by code.
var verdicts = func() map[librdkafka.Code]verdict {
	named := map[string]verdict{}
	for _, d := range decisions {
		for _, name := range strings.Fields(d.codes) {
			named[name] = d.verdict
		}
	}
	byCode := map[librdkafka.Code]verdict{}
	for code, name := range librdkafka.Codes() {
		if v, decided := named[name]; decided {
			byCode[code] = v
		}
	}
	return byCode
}()

// verdictOn is what a code means. Of one that librdkafka has no name for, as brokers that are newer than it may
// send, nothing is known.
func verdictOn(code librdkafka.Code) verdict {
	if v, decided := verdicts[code]; decided {
		return v
	}
	return verdict{outcome: Unknown}
}

// outcomeOf maps a delivery report to the record's end. Error.IsRetriable of the binding is no help
// here: it is false for a full queue and for a timeout.
func outcomeOf(code librdkafka.Code, status librdkafka.Status) Outcome {
	switch {
	case code == librdkafka.None || status == librdkafka.Persisted:
		return OK
	case status == librdkafka.PossiblyPersisted:
		return Unknown
	}
	return verdictOn(code).outcome
}

// reasonFor is librdkafka's sentence for why a record failed, or ours where that leaves out which partition.
func reasonFor(code librdkafka.Code, partition int32) string {
	switch {
	case code == librdkafka.UnknownPartition && partition != AnyPartition:
		return fmt.Sprintf("it has no partition %d", partition)
	case code == librdkafka.DifferentRecord:
		return "the brokers refused the batch that it was in, and there was no room or time to send it again alone"
	}
	return code.String()
}

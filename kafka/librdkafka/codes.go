package librdkafka

// #include "sluice.h"
import "C"

import "unsafe"

// Code is one of librdkafka's error codes: negative codes are its own, positive ones come from a broker
// (rd_kafka_resp_err_t in rdkafka.h).
type Code int32

// The codes that sluice tells apart.
const (
	None                 Code = C.RD_KAFKA_RESP_ERR_NO_ERROR
	Destroyed            Code = C.RD_KAFKA_RESP_ERR__DESTROY
	Transport            Code = C.RD_KAFKA_RESP_ERR__TRANSPORT
	MessageTimedOut      Code = C.RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
	PartitionEOF         Code = C.RD_KAFKA_RESP_ERR__PARTITION_EOF
	UnknownPartition     Code = C.RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
	UnknownTopicLocal    Code = C.RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
	AllBrokersDown       Code = C.RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
	TimedOut             Code = C.RD_KAFKA_RESP_ERR__TIMED_OUT
	QueueFull            Code = C.RD_KAFKA_RESP_ERR__QUEUE_FULL
	AssignPartitions     Code = C.RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
	State                Code = C.RD_KAFKA_RESP_ERR__STATE
	NotImplemented       Code = C.RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED
	NoOffset             Code = C.RD_KAFKA_RESP_ERR__NO_OFFSET
	Outdated             Code = C.RD_KAFKA_RESP_ERR__OUTDATED
	TimedOutInQueue      Code = C.RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE
	InvalidArgument      Code = C.RD_KAFKA_RESP_ERR__INVALID_ARG
	Partial              Code = C.RD_KAFKA_RESP_ERR__PARTIAL
	NoEntry              Code = C.RD_KAFKA_RESP_ERR__NOENT
	PurgedQueue          Code = C.RD_KAFKA_RESP_ERR__PURGE_QUEUE
	PurgedInFlight       Code = C.RD_KAFKA_RESP_ERR__PURGE_INFLIGHT
	Fatal                Code = C.RD_KAFKA_RESP_ERR__FATAL
	AutoOffsetReset      Code = C.RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
	DifferentRecord      Code = C.RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD // another record of the batch was at fault
	UnknownTopic         Code = C.RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
	RequestTimedOut      Code = C.RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
	MessageTooLarge      Code = C.RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
	MetadataTooLarge     Code = C.RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE
	NotCoordinator       Code = C.RD_KAFKA_RESP_ERR_NOT_COORDINATOR
	BatchTooLarge        Code = C.RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE
	NotEnoughReplicas    Code = C.RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
	NotEnoughAfterAppend Code = C.RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND
	Rebalancing          Code = C.RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
	TopicAuthorization   Code = C.RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
	InvalidTimestamp     Code = C.RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP
	PolicyViolation      Code = C.RD_KAFKA_RESP_ERR_POLICY_VIOLATION
	OldEpoch             Code = C.RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
	KafkaStorage         Code = C.RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR
	NoGroup              Code = C.RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND
	InvalidRecord        Code = C.RD_KAFKA_RESP_ERR_INVALID_RECORD
	StaleMemberEpoch     Code = C.RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH
)

// String is librdkafka's sentence for the code.
func (c Code) String() string { return C.GoString(C.rd_kafka_err2str(C.rd_kafka_resp_err_t(c))) }

// Codes are all codes of the linked library with their names, such as "_TRANSPORT".
func Codes() map[Code]string {
	var first *C.struct_rd_kafka_err_desc
	var count C.size_t
	C.rd_kafka_get_err_descs(&first, &count)
	codes := map[Code]string{}
	for _, d := range unsafe.Slice(first, int(count)) {
		if d.name != nil {
			codes[Code(d.code)] = C.GoString(d.name)
		}
	}
	return codes
}

// Error is a failed call: the code and librdkafka's sentence for it.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return e.Text }

// errorOf turns a return code into an error, nil for success.
func errorOf(code C.rd_kafka_resp_err_t) error {
	if code == C.RD_KAFKA_RESP_ERR_NO_ERROR {
		return nil
	}
	return &Error{Code: Code(code), Text: Code(code).String()}
}

// takeError turns an rd_kafka_error_t into an error, nil for none, and frees it.
func takeError(e *C.rd_kafka_error_t) error {
	if e == nil {
		return nil
	}
	defer C.rd_kafka_error_destroy(e)
	return &Error{Code: Code(C.rd_kafka_error_code(e)), Text: C.GoString(C.rd_kafka_error_string(e))}
}

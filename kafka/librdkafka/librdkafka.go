// Package librdkafka calls the C library that confluent-kafka-go vendors, for the three paths where
// that binding costs too much or lacks the call: producing (2-3x the CPU per record), batch
// consumption from partition queues (3.5x), and closing a consumer without blocking. Everything
// else (administration, metadata) goes through the binding itself.
//
// Handles are not reference counted: Producer guards itself, a Consumer belongs to one goroutine.
package librdkafka

// #include "abi.h"
// #include <stdlib.h>
// #cgo noescape sluice_produce
// #cgo nocallback sluice_produce
// #cgo noescape sluice_produce_detailed
// #cgo nocallback sluice_produce_detailed
import "C"

import (
	"fmt"
	"unsafe"

	_ "github.com/confluentinc/confluent-kafka-go/v2/kafka" // links the vendored static library
)

// Code is one of librdkafka's error codes: negative ones are its own, positive ones a broker's
// (rd_kafka_resp_err_t in rdkafka.h).
type Code int32

// The codes that sluice tells apart.
const (
	None                 Code = 0
	Fatal                Code = -150
	BadMessage           Code = -199
	BadCompression       Code = -198
	NoResource           Code = -194
	NotImplemented       Code = -170
	PurgedQueue          Code = -152
	PurgedInFlight       Code = -151
	TimedOut             Code = -185
	TimedOutInQueue      Code = -166
	Destroyed            Code = -197
	Partial              Code = -158
	NoEntry              Code = -156
	AllBrokersDown       Code = -187
	UnknownTopicLocal    Code = -188
	UnknownPartition     Code = -190
	PartitionEOF         Code = -191
	MessageTimedOut      Code = -192
	Transport            Code = -195
	State                Code = -172
	QueueFull            Code = -184
	WaitCoordinator      Code = -180
	RevokePartitions     Code = -174
	AssignPartitions     Code = -175
	AutoOffsetReset      Code = -140
	MaxPollExceeded      Code = -147
	NoOffset             Code = -168
	UnknownTopic         Code = 3
	RequestTimedOut      Code = 7
	CoordinatorLoading   Code = 14
	NoCoordinator        Code = 15
	NotCoordinator       Code = 16
	IllegalGeneration    Code = 22
	UnknownMember        Code = 25
	Rebalancing          Code = 27
	MessageTooLarge      Code = 10
	BatchTooLarge        Code = 18
	NotEnoughReplicas    Code = 19
	NotEnoughAfterAppend Code = 20
	TopicAuthorization   Code = 29
	GroupAuthorization   Code = 30
	ClusterAuthorization Code = 31
	InvalidTimestamp     Code = 32
	PolicyViolation      Code = 44
	OldEpoch             Code = 47 // of a producer
	NoGroup              Code = 69
	KafkaStorage         Code = 56
	InvalidRecord        Code = 87
	DifferentRecord      Code = -138 // of a batch in which others were at fault
)

// String is librdkafka's sentence for the code.
func (c Code) String() string { return C.GoString(C.rd_kafka_err2str(C.int(c))) }

// Codes are all codes that the linked library has, with their names, such as "_TRANSPORT".
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

// errorOf turns a plain return code into an error, nil for success.
func errorOf(code C.int) error {
	if code == 0 {
		return nil
	}
	return &Error{Code: Code(code), Text: Code(code).String()}
}

// take turns an owned rd_kafka_error_t into an error, nil for none, and frees it.
func take(e *C.rd_kafka_error_t) error {
	if e == nil {
		return nil
	}
	defer C.rd_kafka_error_destroy(e)
	return &Error{Code: Code(C.rd_kafka_error_code(e)), Text: C.GoString(C.rd_kafka_error_string(e))}
}

// Version is the linked library's version, such as "2.15.1".
func Version() string { return C.GoString(C.rd_kafka_version_str()) }

// BoundArenas limits the malloc arenas of the process to n. Call it before the first handle is made.
func BoundArenas(n int) { C.sluice_arenas(C.int(n)) }

// HeapFree is how much memory malloc keeps that librdkafka has freed, in bytes; 0 where that is not known.
func HeapFree() int64 { return int64(C.sluice_kept()) }

// HeapInUse is how many bytes of the C heap are in use; 0 where that is not known. It may take milliseconds.
func HeapInUse() int64 {
	defer enter()()
	return int64(C.sluice_heap())
}

// TrimHeap returns memory that malloc keeps to the system. It locks one arena after the other, for milliseconds.
func TrimHeap() { C.sluice_trim() }

// PropertyError says why librdkafka refuses a property.
type PropertyError struct {
	Name, Value, Reason string
}

func (e *PropertyError) Error() string { return fmt.Sprintf("%s: %s", e.Name, e.Reason) }

// CheckProperty asks librdkafka whether it knows the property and takes the value.
func CheckProperty(name, value string) error {
	conf := C.rd_kafka_conf_new()
	defer C.rd_kafka_conf_destroy(conf)
	return set(conf, name, value)
}

// KnowsProperty tells whether librdkafka has a property of that name. Other than CheckProperty it gives librdkafka no
// value to work on: it compiles regular expressions and loads libraries the moment they are set.
func KnowsProperty(name string) bool {
	conf := C.rd_kafka_conf_new()
	defer C.rd_kafka_conf_destroy(conf)
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	const unknown = -2
	return C.rd_kafka_conf_set(conf, cname, nil, nil, 0) != unknown // a null is its default
}

func set(conf *C.rd_kafka_conf_t, name, value string) error {
	var text [512]C.char
	cname, cvalue := C.CString(name), C.CString(value)
	defer C.free(unsafe.Pointer(cname))
	defer C.free(unsafe.Pointer(cvalue))
	if C.rd_kafka_conf_set(conf, cname, cvalue, &text[0], 512) == 0 {
		return nil
	}
	return &PropertyError{Name: name, Value: value, Reason: C.GoString(&text[0])}
}

const (
	typeProducer = 0
	typeConsumer = 1
)

// open creates a handle whose log lines arrive as events of its queue.
func open(kind C.int, properties map[string]string, events C.int) (*C.rd_kafka_t, error) {
	return openWith(C.rd_kafka_conf_new(), kind, properties, events)
}

func openWith(conf *C.rd_kafka_conf_t, kind C.int, properties map[string]string, events C.int) (*C.rd_kafka_t, error) {
	for name, value := range properties {
		if err := set(conf, name, value); err != nil {
			C.rd_kafka_conf_destroy(conf)
			return nil, err
		}
	}
	if err := set(conf, "log.queue", "true"); err != nil {
		C.rd_kafka_conf_destroy(conf)
		return nil, err
	}
	C.rd_kafka_conf_set_events(conf, events)
	var text [512]C.char
	rk := C.rd_kafka_new(kind, conf, &text[0], 512)
	if rk == nil {
		C.rd_kafka_conf_destroy(conf)
		return nil, &Error{Code: Code(C.rd_kafka_last_error()), Text: C.GoString(&text[0])}
	}
	C.rd_kafka_set_log_queue(rk, nil)
	return rk, nil
}

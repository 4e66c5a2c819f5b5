// Package librdkafka calls the C library that confluent-kafka-go links.
//
// The binding's own calls cost two to three times the processor time per record. They have no batches and no partition
// queues for consumers, and they block while a consumer closes. Its calls for groups end the process when a coordinator
// moves. So sluice produces, consumes, commits and lists groups through this package, and asks producers for metadata.
// Creating topics and the like goes through the binding.
//
// Handles are not reference counted: Producer guards itself, a Consumer belongs to one goroutine.
//
// Two build tags change what a call costs and nothing else. The calls that every record costs go past cgo's
// bookkeeping (call_asm.go); with the tag plaincgo they go through it (call_cgo.go). Reads and writes of a signal go past
// Go's scheduler (signal_raw.go); with the tag plainruntime they go through it (signal_plain.go).
package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"fmt"
	"unsafe"

	_ "github.com/confluentinc/confluent-kafka-go/v2/kafka" // links the static library
)

// Version is the linked library's version, such as "2.15.1".
func Version() string { return C.GoString(C.rd_kafka_version_str()) }

// BoundArenas limits the malloc arenas of the process to n. Call it before the first handle is made.
func BoundArenas(n int) { C.sluice_arenas(C.int(n)) }

// HeapFree is how many bytes malloc keeps for its next allocations.
func HeapFree() int64 { return int64(C.sluice_heap_free()) }

// HeapInUse is how many bytes of the C heap are allocated. It may take milliseconds.
func HeapInUse() int64 {
	defer acquireSlot()()
	return int64(C.sluice_heap_in_use())
}

// TrimHeap returns free memory of malloc to the system. It locks one arena after the other, for milliseconds.
func TrimHeap() { C.sluice_heap_trim() }

// PropertyError says why librdkafka refuses a property.
type PropertyError struct {
	Name, Value, Reason string
}

func (e *PropertyError) Error() string { return fmt.Sprintf("%s: %s", e.Name, e.Reason) }

// CheckProperty asks librdkafka whether it knows the property and takes the value.
func CheckProperty(name, value string) error {
	conf := C.rd_kafka_conf_new()
	defer C.rd_kafka_conf_destroy(conf)
	return setProperty(conf, name, value)
}

// KnowsProperty tells whether librdkafka has a property of that name. Unlike CheckProperty it passes no value: librdkafka
// compiles regular expressions and loads libraries the moment they are set.
func KnowsProperty(name string) bool {
	conf := C.rd_kafka_conf_new()
	defer C.rd_kafka_conf_destroy(conf)
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	return C.rd_kafka_conf_set(conf, cname, nil, nil, 0) != C.RD_KAFKA_CONF_UNKNOWN // a null sets the default
}

func setProperty(conf *C.rd_kafka_conf_t, name, value string) error {
	var text [512]C.char
	cname, cvalue := C.CString(name), C.CString(value)
	defer C.free(unsafe.Pointer(cname))
	defer C.free(unsafe.Pointer(cvalue))
	if C.rd_kafka_conf_set(conf, cname, cvalue, &text[0], 512) == C.RD_KAFKA_CONF_OK {
		return nil
	}
	return &PropertyError{Name: name, Value: value, Reason: C.GoString(&text[0])}
}

// TryProducer creates a producer and destroys it. librdkafka tells only then whether properties fit together.
func TryProducer(properties map[string]string) error { return try(C.RD_KAFKA_PRODUCER, properties) }

// TryConsumer creates a consumer and destroys it. librdkafka tells only then whether properties fit together.
func TryConsumer(properties map[string]string) error { return try(C.RD_KAFKA_CONSUMER, properties) }

func try(kind C.rd_kafka_type_t, properties map[string]string) error {
	rk, err := open(kind, properties, 0)
	if err == nil {
		C.rd_kafka_destroy_flags(rk, C.RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
	}
	return err
}

// open creates a handle whose log lines arrive as events of its queue.
func open(kind C.rd_kafka_type_t, properties map[string]string, events C.int) (*C.rd_kafka_t, error) {
	return openWith(C.rd_kafka_conf_new(), kind, properties, events)
}

// openWith is open with a configuration of the caller's, which it takes over.
func openWith(conf *C.rd_kafka_conf_t, kind C.rd_kafka_type_t, properties map[string]string, events C.int) (*C.rd_kafka_t, error) {
	for name, value := range properties {
		if err := setProperty(conf, name, value); err != nil {
			C.rd_kafka_conf_destroy(conf)
			return nil, err
		}
	}
	if err := setProperty(conf, "log.queue", "true"); err != nil {
		C.rd_kafka_conf_destroy(conf)
		return nil, err
	}
	C.rd_kafka_conf_set_events(conf, events)
	C.sluice_watch_throttle(conf, kind)
	var text [512]C.char
	rk := C.rd_kafka_new(kind, conf, &text[0], 512)
	if rk == nil {
		C.rd_kafka_conf_destroy(conf)
		return nil, &Error{Code: Code(C.rd_kafka_last_error()), Text: C.GoString(&text[0])}
	}
	C.rd_kafka_set_log_queue(rk, nil)
	return rk, nil
}

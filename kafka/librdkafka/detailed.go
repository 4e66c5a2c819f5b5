package librdkafka

// #include "abi.h"
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// Unassigned leaves the choice of the partition to the partitioner.
const Unassigned int32 = -1

// Details are what a record may have besides topic, key and value.
type Details struct {
	Partition int32 // or Unassigned
	Timestamp int64 // milliseconds since the epoch, 0 for now
	Headers   PackedHeaders
}

// PackedHeaders are headers on their way to librdkafka, in one piece of memory of their own: a pointer to
// others may not be handed to C.
type PackedHeaders []byte

// PackHeaders packs a copy of the headers, nil when there are none: the length of name and value of each, a
// null's is -1, and then both.
func PackHeaders(headers []Header) PackedHeaders {
	size := 0
	for i := range headers {
		size += 8 + len(headers[i].Name) + len(headers[i].Value)
	}
	if size == 0 {
		return nil
	}
	packed := make(PackedHeaders, 0, size)
	for i := range headers {
		name, value := headers[i].Name, headers[i].Value
		packed = binary.NativeEndian.AppendUint32(packed, uint32(len(name)))
		packed = binary.NativeEndian.AppendUint32(packed, uint32(lengthOf(value)))
		packed = append(append(packed, name...), value...)
	}
	return packed
}

// lengthOf is -1 for null.
func lengthOf(value []byte) int32 {
	if value == nil {
		return -1
	}
	return int32(len(value))
}

// ProduceDetailed is Produce for a record with details. The topic may turn out not to have the partition
// only later: then the Report says so.
func (p *Producer) ProduceDetailed(topic string, key, value []byte, opaque uint64, d *Details) (Code, error) {
	gate := p.gate(opaque)
	gate.Lock()
	rkt, known := p.topics[topic]
	if !known || p.retired {
		gate.Unlock()
		if err := p.addTopic(topic); err != nil {
			return None, err
		}
		return p.ProduceDetailed(topic, key, value, opaque, d)
	}
	code := C.sluice_produce_detailed(p.rk, rkt, pointer(value), C.size_t(len(value)), pointer(key), C.size_t(len(key)),
		C.uint64_t(opaque), C.int32_t(d.Partition), C.int64_t(d.Timestamp),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(d.Headers))), C.size_t(len(d.Headers)))
	gate.Unlock()
	p.taken(code)
	return Code(code), nil
}

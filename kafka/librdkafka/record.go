package librdkafka

// #include "sluice.h"
// #cgo noescape sluice_produce
// #cgo nocallback sluice_produce
// #cgo noescape sluice_produce_detailed
// #cgo nocallback sluice_produce_detailed
import "C"

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// Unassigned leaves the choice of the partition to the partitioner.
const Unassigned int32 = C.RD_KAFKA_PARTITION_UA

// Details are what a record may have besides topic, key and value.
type Details struct {
	Partition int32 // or Unassigned
	Timestamp int64 // milliseconds since the epoch, 0 for now
	Headers   PackedHeaders
}

// Clone copies the details with their headers; nil stays nil.
func (d *Details) Clone() *Details {
	if d == nil {
		return nil
	}
	c := *d
	c.Headers = bytes.Clone(d.Headers)
	return &c
}

// PackedHeaders are headers in one piece of memory: a pointer to memory with pointers must not be handed to C.
type PackedHeaders []byte

// PackHeaders packs a copy of the headers, nil when there are none. Each header is the length of its name, the length of its
// value, and both. The length of null is -1.
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
		packed = appendHeader(packed, headers[i].Name, headers[i].Value)
	}
	return packed
}

// Append appends a copy of one header.
func (h PackedHeaders) Append(name, value []byte) PackedHeaders { return appendHeader(h, name, value) }

func appendHeader[Name string | []byte](packed PackedHeaders, name Name, value []byte) PackedHeaders {
	packed = binary.NativeEndian.AppendUint32(packed, uint32(len(name)))
	packed = binary.NativeEndian.AppendUint32(packed, uint32(lengthOf(value)))
	return append(append(packed, name...), value...)
}

// lengthOf is -1 for null.
func lengthOf(value []byte) int32 {
	if value == nil {
		return -1
	}
	return int32(len(value))
}

// PackedRecord is the head of a packed record: what the record has besides its topic, and the sizes of its parts. It has the
// fields of sluice_packed.
type PackedRecord struct {
	Opaque                 uint64
	Timestamp              int64
	Partition              int32
	Key, Value, HeaderSize int32 // bytes; -1 for no key, or a tombstone
}

// PackedHead is the size of a packed record without its key, value and headers.
const PackedHead = int(C.sizeof_sluice_packed)

// PackRecord appends a copy of a record for ProducePacked: the fields of PackedRecord, the key, the value and the headers.
// d may be nil.
func PackRecord(b, key, value []byte, opaque uint64, d *Details) []byte {
	partition, timestamp, headers := Unassigned, int64(0), PackedHeaders(nil)
	if d != nil {
		partition, timestamp, headers = d.Partition, d.Timestamp, d.Headers
	}
	b = binary.NativeEndian.AppendUint64(b, opaque)
	b = binary.NativeEndian.AppendUint64(b, uint64(timestamp))
	b = binary.NativeEndian.AppendUint32(b, uint32(partition))
	b = binary.NativeEndian.AppendUint32(b, uint32(lengthOf(key)))
	b = binary.NativeEndian.AppendUint32(b, uint32(lengthOf(value)))
	b = binary.NativeEndian.AppendUint32(b, uint32(len(headers)))
	return append(append(append(b, key...), value...), headers...)
}

// UnpackRecord reads the head of the first packed record in b. size includes its key, value and headers.
func UnpackRecord(b []byte) (r PackedRecord, size int) {
	long, word := binary.NativeEndian.Uint64, func(at int) int32 { return int32(binary.NativeEndian.Uint32(b[at:])) }
	r = PackedRecord{
		Opaque: long(b), Timestamp: int64(long(b[8:])), Partition: word(16), Key: word(20), Value: word(24), HeaderSize: word(28),
	}
	return r, PackedHead + r.Payload() + int(r.HeaderSize)
}

// Open copies the parts of a packed record.
func (r *PackedRecord) Open(packed []byte) (key, value []byte, d *Details) {
	at := packed[PackedHead:]
	take := func(n int32) []byte {
		if n < 0 {
			return nil
		}
		part := append(make([]byte, 0, n), at[:n]...)
		at = at[n:]
		return part
	}
	key, value = take(r.Key), take(r.Value)
	return key, value, &Details{Partition: r.Partition, Timestamp: r.Timestamp, Headers: take(r.HeaderSize)}
}

// Payload is the size of key and value.
func (r *PackedRecord) Payload() int { return int(max(0, r.Key)) + int(max(0, r.Value)) }

// Produce queues a copy of one record, or returns the code that says why not. The topic name must have been checked:
// librdkafka cuts it at a NUL and refuses only names over 512 bytes. A nil key is no key, a nil value is a tombstone. The
// opaque comes back in the Report; its upper half chooses the lock.
func (p *Producer) Produce(topic string, key, value []byte, opaque uint64) (Code, error) {
	lock := p.locks.of(opaque)
	lock.Lock()
	rkt, known := p.topics[topic]
	if !known || p.retired {
		lock.Unlock()
		if err := p.addTopic(topic); err != nil {
			return None, err
		}
		return p.Produce(topic, key, value, opaque)
	}
	code := C.sluice_produce(rkt, pointer(value), C.size_t(len(value)), pointer(key), C.size_t(len(key)), C.uint64_t(opaque))
	lock.Unlock()
	return p.produced(code), nil
}

// produced counts a record that was taken.
func (p *Producer) produced(code C.rd_kafka_resp_err_t) Code {
	if code == C.RD_KAFKA_RESP_ERR_NO_ERROR {
		p.countTaken(1)
	}
	return Code(code)
}

// ProduceDetailed is Produce for a record with details. When librdkafka does not know the topic's partitions yet, only the
// Report says that the topic lacks the partition.
func (p *Producer) ProduceDetailed(topic string, key, value []byte, opaque uint64, d *Details) (Code, error) {
	lock := p.locks.of(opaque)
	lock.Lock()
	rkt, known := p.topics[topic]
	if !known || p.retired {
		lock.Unlock()
		if err := p.addTopic(topic); err != nil {
			return None, err
		}
		return p.ProduceDetailed(topic, key, value, opaque, d)
	}
	code := C.sluice_produce_detailed(p.rk, rkt, pointer(value), C.size_t(len(value)), pointer(key), C.size_t(len(key)),
		C.uint64_t(opaque), C.int32_t(d.Partition), C.int64_t(d.Timestamp),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(d.Headers))), C.size_t(len(d.Headers)))
	lock.Unlock()
	return p.produced(code), nil
}

// ProducePacked is Produce for records of one topic that were packed one behind the other. It takes some hundreds of records
// at most. It stops at the first record that librdkafka refuses, and returns its code. taken is the size of the records
// before, in bytes. The first record chooses the lock.
func (p *Producer) ProducePacked(topic string, records []byte) (taken int, code Code, err error) {
	lock := p.locks.of(binary.NativeEndian.Uint64(records))
	lock.Lock()
	rkt, known := p.topics[topic]
	if !known || p.retired {
		lock.Unlock()
		if err := p.addTopic(topic); err != nil {
			return 0, None, err
		}
		return p.ProducePacked(topic, records)
	}
	produced := producePacked(p.rk, rkt, records)
	lock.Unlock()
	if produced.count > 0 {
		p.countTaken(int64(produced.count))
	}
	return int(produced.bytes), Code(produced.err), nil
}

// empty is the address of values without bytes: librdkafka takes a null pointer for a null value.
var empty byte

func pointer(b []byte) unsafe.Pointer {
	switch {
	case b == nil:
		return nil
	case len(b) == 0:
		return unsafe.Pointer(&empty)
	}
	return unsafe.Pointer(unsafe.SliceData(b))
}

package librdkafka

// #include "abi.h"
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// PackedRecord is what a record has besides its topic, with the sizes of the rest, as PackRecord wrote it.
type PackedRecord struct {
	Opaque                 uint64
	Timestamp              int64
	Partition              int32
	Key, Value, HeaderSize int32 // bytes; -1 for no key, or a tombstone
}

// PackedHead is the size of a record that is packed, besides its key, value and headers.
const PackedHead = 32

// PackRecord appends a copy of a record, for ProducePacked: a PackedRecord, then the key, the value and the
// headers. Details may be nil.
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

// UnpackRecord reads the first of some packed records, and returns its size with all that belongs to it.
func UnpackRecord(b []byte) (r PackedRecord, size int) {
	long, word := binary.NativeEndian.Uint64, func(at int) int32 { return int32(binary.NativeEndian.Uint32(b[at:])) }
	r = PackedRecord{
		Opaque: long(b), Timestamp: int64(long(b[8:])), Partition: word(16), Key: word(20), Value: word(24), HeaderSize: word(28),
	}
	return r, PackedHead + r.Payload() + int(r.HeaderSize)
}

// Open copies what a packed record has beside its opaque.
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

// ProducePacked is Produce for records of one topic that were packed one behind the other. It stops at the first
// that is not taken, with its code, or after some hundreds, with None, and says how many bytes those before have. The
// first one chooses the gate.
func (p *Producer) ProducePacked(topic string, records []byte) (taken int, code Code, err error) {
	gate := p.gate(binary.NativeEndian.Uint64(records))
	gate.Lock()
	rkt, known := p.topics[topic]
	if !known || p.retired {
		gate.Unlock()
		if err := p.addTopic(topic); err != nil {
			return 0, None, err
		}
		return p.ProducePacked(topic, records)
	}
	call := producing{rk: p.rk, rkt: rkt, records: (*C.char)(unsafe.Pointer(unsafe.SliceData(records))), len: C.size_t(len(records))}
	call.run()
	gate.Unlock()
	if call.count > 0 {
		p.took(int64(call.count))
	}
	return int(call.taken), Code(call.err), nil
}

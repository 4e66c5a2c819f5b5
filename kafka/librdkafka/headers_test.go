package librdkafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// unpacked reads what PackHeaders wrote, as C does.
func unpacked(p PackedHeaders) (headers []Header) {
	for len(p) > 0 {
		name, value := sizeIn(p), sizeIn(p[4:])
		h := Header{Name: string(p[8 : 8+name])}
		p = p[8+name:]
		if value >= 0 {
			h.Value = append([]byte{}, p[:value]...)
			p = p[value:]
		}
		headers = append(headers, h)
	}
	return headers
}

func sizeIn(p PackedHeaders) int { return int(int32(binary.NativeEndian.Uint32(p))) }

func sameHeaders(a, b []Header) bool { return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b) }

func TestPackedHeadersKeepEverything(t *testing.T) {
	t.Parallel()
	value := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 40))
	rapid.Check(t, func(t *rapid.T) {
		var headers []Header
		for range rapid.IntRange(0, 5).Draw(t, "headers") {
			headers = append(headers, Header{Name: rapid.String().Draw(t, "name"), Value: value.Draw(t, "value")})
		}
		packed := PackHeaders(headers)
		if cap(packed) != len(packed) {
			t.Errorf("%d of %d bytes are used", len(packed), cap(packed))
		}
		if got := unpacked(packed); !sameHeaders(got, headers) {
			t.Errorf("%#v became %#v", headers, got)
		}
	})
}

func TestDetailsArriveAndComeBackInTheReport(t *testing.T) {
	t.Parallel()
	address := broker(t)
	p := producerOn(t, address)
	headers := []Header{
		{Name: "trace", Value: []byte("abc")},
		{Name: "trace", Value: []byte("again")},
		{Name: "null", Value: nil},
		{Name: "empty", Value: []byte{}},
		{Name: "", Value: []byte("without a name")},
		{Name: "bytes", Value: []byte{0, 255, 0}},
		{Name: "long", Value: bytes.Repeat([]byte("0123456789"), 1000)},
	}
	d := Details{Partition: 0, Timestamp: 1_700_000_000_123, Headers: PackHeaders(headers)}
	for i := range 2 { // the second finds the topic's handle
		if code, err := p.ProduceDetailed("letters", []byte{}, nil, uint64(i), &d); code != None || err != nil {
			t.Fatal(code, err)
		}
	}
	for i, r := range ends(t, p, 2) {
		if r.Err != None || r.Opaque != uint64(i) || r.Partition != 0 || r.Offset != int64(i) || r.Timestamp != d.Timestamp {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	p.Retire()
	if _, err := p.ProduceDetailed("letters", nil, nil, 1, &d); err != ErrClosed { //nolint:errorlint // never wrapped
		t.Errorf("a retired producer says %v", err)
	}
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	for _, m := range readAll(t, address, 2) {
		if !sameHeaders(m.Headers, headers) || m.Timestamp != d.Timestamp || m.Key == nil || m.Value != nil {
			t.Errorf("read %+v", m)
		}
	}
}

func TestAPartitionThatDoesNotExistIsRefusedBeforeAndAfterItIsKnown(t *testing.T) {
	t.Parallel()
	p := producerOn(t, broker(t))
	d := Details{Partition: 7, Headers: PackHeaders([]Header{{Name: "name", Value: []byte("value")}})}
	if code, err := p.ProduceDetailed("letters", nil, []byte("x"), 1, &d); code != None || err != nil {
		t.Fatalf("%v %v: nothing is known of the topic yet", code, err)
	}
	if r := ends(t, p, 1)[0]; r.Err != UnknownPartition || r.Status != NotPersisted || r.Partition != 7 || r.Timestamp != -1 {
		t.Errorf("report %+v", r)
	}
	if code, err := p.ProduceDetailed("letters", nil, []byte("x"), 2, &d); code != UnknownPartition || err != nil {
		t.Errorf("%v %v", code, err)
	}
	p.Retire()
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
}

// librdkafka takes the headers of a record only when it takes the record.
func TestTheHeadersOfARefusedRecordAreFreed(t *testing.T) {
	const refused, size = 1000, 200 << 10
	p := producerOn(t, "127.0.0.1:1")
	taken, d := 0, Details{Partition: Unassigned}
	for code := None; code == None; taken++ {
		var err error
		if code, err = p.ProduceDetailed("letters", nil, []byte("x"), 1, &d); err != nil {
			t.Fatal(err)
		}
	}
	d.Headers = PackHeaders([]Header{{Name: "large", Value: []byte(strings.Repeat("x", size))}})
	before := resident(t)
	for range refused {
		if code, err := p.ProduceDetailed("letters", nil, []byte("x"), 1, &d); code != QueueFull || err != nil {
			t.Fatal(code, err)
		}
	}
	if grown := resident(t) - before; grown > refused*size/4 {
		t.Errorf("%d MB more are resident after %d MB of headers were refused", grown>>20, refused*size>>20)
	}
	p.Retire()
	p.Purge()
	ends(t, p, taken-1)
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
}

// resident is the resident memory of the process, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs the proc file system of Linux:", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

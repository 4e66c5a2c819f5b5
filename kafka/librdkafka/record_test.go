package librdkafka

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// packable is a record to pack.
type packable struct {
	key, value []byte
	opaque     uint64
	details    *Details
}

func (p *packable) pack(b []byte) []byte { return PackRecord(b, p.key, p.value, p.opaque, p.details) }

func TestPackedRecordsAreWalked(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 40))
	rapid.Check(t, func(t *rapid.T) {
		var all []byte
		var want []PackedRecord
		for range rapid.IntRange(0, 10).Draw(t, "records") {
			p := packable{key: text.Draw(t, "key"), value: text.Draw(t, "value"), opaque: rapid.Uint64().Draw(t, "opaque")}
			r := PackedRecord{Opaque: p.opaque, Partition: Unassigned, Key: lengthOf(p.key), Value: lengthOf(p.value)}
			if rapid.Bool().Draw(t, "detailed") {
				p.details = &Details{rapid.Int32().Draw(t, "partition"), rapid.Int64().Draw(t, "timestamp"), text.Draw(t, "headers")}
				r.Partition, r.Timestamp, r.HeaderSize = p.details.Partition, p.details.Timestamp, int32(len(p.details.Headers))
			}
			all, want = p.pack(all), append(want, r)
		}
		for i, w := range want {
			got, size := UnpackRecord(all)
			if got != w {
				t.Fatalf("record %d is %+v, want %+v", i, got, w)
			}
			all = all[size:]
		}
		if len(all) > 0 {
			t.Errorf("%d bytes are left", len(all))
		}
	})
}

func TestPackedRecordsArrive(t *testing.T) {
	t.Parallel()
	address := broker(t)
	p := producerOn(t, address)
	headers := []Header{{Name: "trace", Value: []byte("abc")}, {Name: "null", Value: nil}}
	records := []packable{
		{key: nil, value: []byte("no key"), opaque: 1},
		{key: []byte{}, value: nil, opaque: 1 << 40}, // an empty key, a tombstone
		{key: []byte("key"), value: []byte{}, opaque: 3, details: &Details{Partition: 0, Timestamp: 1_700_000_000_123, Headers: PackHeaders(headers)}},
		{key: []byte("k"), value: bytes.Repeat([]byte("long"), 5000), opaque: 4},
	}
	var all []byte
	for i := range records {
		all = records[i].pack(all)
	}
	if taken, code, err := p.ProducePacked("letters", all); taken != len(all) || code != None || err != nil {
		t.Fatal(taken, code, err)
	}
	if n := p.Underway(); n > len(records) {
		t.Errorf("%d are under way", n)
	}
	for i, r := range ends(t, p, len(records)) {
		if r.Err != None || r.Opaque != records[i].opaque || r.Offset != int64(i) {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	if n := p.Underway(); n != 0 {
		t.Errorf("%d are under way when all have been reported", n)
	}
	for i, m := range readAll(t, address, len(records)) {
		if !bytes.Equal(m.Key, records[i].key) || (m.Key == nil) != (records[i].key == nil) || !bytes.Equal(m.Value, records[i].value) || (m.Value == nil) != (records[i].value == nil) {
			t.Errorf("record %d is %q %q", i, m.Key, m.Value)
		}
		if d := records[i].details; d != nil && (m.Timestamp != d.Timestamp || !sameHeaders(m.Headers, headers)) {
			t.Errorf("record %d has %+v", i, m)
		}
	}
	p.Retire()
	if _, _, err := p.ProducePacked("letters", all); err != ErrClosed { //nolint:errorlint // never wrapped
		t.Errorf("a retired producer says %v", err)
	}
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
}

// The call stops at the record that librdkafka refuses; the records before were taken.
func TestPackedRecordsStopAtOneThatIsRefused(t *testing.T) {
	t.Parallel()
	p := producerOn(t, broker(t))
	small, large := packable{value: []byte("x")}, packable{value: make([]byte, 2<<20)}
	one := len(small.pack(nil))
	all := small.pack(large.pack(small.pack(nil)))
	if taken, code, err := p.ProducePacked("letters", all); taken != one || code != MessageTooLarge || err != nil {
		t.Fatal(taken, code, err)
	}
	_, size := UnpackRecord(all[one:])
	if taken, code, err := p.ProducePacked("letters", all[one+size:]); taken != one || code != None || err != nil {
		t.Fatal(taken, code, err)
	}
	if got := len(ends(t, p, 2)); got != 2 {
		t.Errorf("%d reports", got)
	}
	p.Retire()
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
}

// One call takes a bounded number of records: it delays the garbage collector.
func TestManyPackedRecordsTakeSeveralCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ records, size, calls int }{
		"many":  {450, 10, 2},
		"large": {40, 100_000, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := producerOn(t, broker(t))
			var all []byte
			for i := range c.records {
				one := packable{value: make([]byte, c.size), opaque: uint64(i)}
				all = one.pack(all)
			}
			calls := 0
			for len(all) > 0 {
				taken, code, err := p.ProducePacked("letters", all)
				if taken == 0 || code != None || err != nil {
					t.Fatal(taken, code, err)
				}
				all, calls = all[taken:], calls+1
			}
			if calls != c.calls {
				t.Errorf("%d calls, want %d", calls, c.calls)
			}
			for i, r := range ends(t, p, c.records) {
				if r.Err != None || r.Opaque != uint64(i) {
					t.Fatalf("report %d: %+v", i, r)
				}
			}
			p.Retire()
			if err := p.Close(soon(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

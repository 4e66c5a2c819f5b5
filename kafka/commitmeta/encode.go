package commitmeta

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

const (
	flagID     = 1 << iota // the topic's id follows as bytes
	flagText               // the topic's id follows as text
	flagBitmap             // a bitmap follows, and no runs
)

const (
	idBytes = 16
	mostID  = 64 // the longest id that is kept as text
)

// Encode writes a map of records above a committed offset, as a text of at most limit characters. The text is empty for an
// empty map. Settled offsets and failing records that do not fit are left out, from the highest down; left counts both.
// What is left out costs no record: it comes once more.
func Encode(committed int64, m *Map, limit int) (text string, left int) {
	above := behind(m.Above, committed)
	if len(above)+len(m.Failing) == 0 {
		return "", 0
	}
	failing := encodeFailing(committed, m)
	out := encodeHead(m)
	room := payload(limit) - len(out) - 2 // two bytes count the failing records
	first := 0
	for _, f := range failing[:min(len(failing), kept(limit))] {
		first += len(f)
	}
	out, left = encodeAbove(out, committed, above, room-first)
	n := 0
	room = payload(limit) - len(out) - 2
	for n < len(failing) && n < mostFailing && len(failing[n]) <= room {
		room -= len(failing[n])
		n++
	}
	left += len(failing) - n
	if room < 0 || left == len(above)+len(failing) && n == 0 {
		return "", len(above) + len(failing)
	}
	out = binary.AppendUvarint(out, uint64(n))
	for _, f := range failing[:n] {
		out = append(out, f...)
	}
	return prefix + base64.RawStdEncoding.EncodeToString(out), left
}

// behind are the ranges above an offset.
func behind(above []Range, committed int64) []Range {
	for len(above) > 0 && above[0].To <= committed+1 {
		above = above[1:]
	}
	if len(above) == 0 || above[0].From > committed {
		return above
	}
	cut := append([]Range{{committed + 1, above[0].To}}, above[1:]...)
	return cut
}

func encodeHead(m *Map) []byte {
	out := binary.AppendUvarint([]byte{0}, uint64(max(0, m.At.UnixMilli())))
	switch id, err := base64.RawStdEncoding.DecodeString(m.Log); {
	case m.Log == "":
	case err == nil && len(id) == idBytes && base64.RawStdEncoding.EncodeToString(id) == m.Log:
		out[0] |= flagID
		out = append(out, id...)
	case len(m.Log) <= mostID:
		out[0] |= flagText
		out = append(binary.AppendUvarint(out, uint64(len(m.Log))), m.Log...)
	}
	return out
}

// encodeAbove appends settled offsets, as a bitmap or as runs: what reaches further, or is shorter.
func encodeAbove(out []byte, committed int64, above []Range, room int) (all []byte, left int) {
	if len(above) == 0 {
		return append(out, 0), 0
	}
	gap := binary.AppendUvarint(out, uint64(above[0].From-committed))
	room -= len(gap) - len(out)
	runs, inRuns := encodeRuns(above, room)
	bitmap, inBitmap := encodeBitmap(above, room)
	switch {
	case inRuns == 0 && inBitmap == 0:
		return append(out, 0), len(above)
	case inRuns > inBitmap || inRuns == inBitmap && len(runs) <= len(bitmap):
		return append(gap, runs...), len(above) - inRuns
	}
	gap[0] |= flagBitmap
	return append(gap, bitmap...), len(above) - inBitmap
}

// encodeRuns writes as many ranges as fit, and counts them.
func encodeRuns(above []Range, room int) (out []byte, n int) {
	end := above[0].From
	var runs []byte
	for i, r := range above {
		before := len(runs)
		if i > 0 {
			runs = binary.AppendUvarint(runs, uint64(r.From-end))
		}
		runs = binary.AppendUvarint(runs, uint64(r.To-r.From))
		if size(uint64(i))+len(runs) > room {
			runs = runs[:before]
			break
		}
		end, n = r.To, i+1
	}
	if n == 0 {
		return nil, 0
	}
	return append(binary.AppendUvarint(nil, uint64(n-1)), runs...), n
}

// encodeBitmap writes as many ranges as fit, and counts them. Of the last one the beginning may have to do.
func encodeBitmap(above []Range, room int) (out []byte, n int) {
	from := above[0].From
	most := int64(room-2) * 8 // two bytes count those of the bitmap
	if most <= 0 || most > 8*maxText {
		return nil, 0
	}
	bits := make([]byte, 0, min(room, int((min(most, above[len(above)-1].To-from)+7)/8)))
	for _, r := range above {
		if r.To-from > most {
			break
		}
		for at := r.From - from; at < r.To-from; at++ {
			for int64(len(bits)) <= at/8 {
				bits = append(bits, 0)
			}
			bits[at/8] |= 1 << (at % 8)
		}
		n++
	}
	if n == 0 {
		return nil, 0
	}
	return append(binary.AppendUvarint(nil, uint64(len(bits))), bits...), n
}

// The largest numbers that are kept of a failing record: larger ones are kept as these.
const (
	mostCount   = 1<<14 - 2
	mostSeconds = 1<<28 - 2
	mostMillis  = 1<<35 - 2
)

// encodeFailing writes each failing record.
func encodeFailing(committed int64, m *Map) [][]byte {
	var all [][]byte
	before := committed
	for _, f := range m.Failing {
		if f.Offset < before || f.Offset == before && len(all) > 0 {
			continue
		}
		out := binary.AppendUvarint(nil, uint64(f.Offset-before))
		out = binary.AppendUvarint(out, uint64(min(mostCount, max(0, f.Failures))))
		out = binary.AppendUvarint(out, uint64(min(mostCount, max(0, f.Deaths))))
		out = binary.AppendUvarint(out, since(f.First, m.At))
		out = binary.AppendUvarint(out, until(f.Due, m.At))
		all, before = append(all, out), f.Offset
	}
	return all
}

func since(t, at time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return 1 + uint64(min(mostSeconds, max(0, int64(at.Sub(t)/time.Second))))
}

func until(t, at time.Time) uint64 {
	if !t.After(at) {
		return 0
	}
	return 1 + uint64(min(mostMillis, t.Sub(at).Milliseconds()))
}

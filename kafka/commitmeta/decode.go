package commitmeta

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"time"
)

const (
	maxText     = 16 << 10 // the longest text that is read, in characters
	mostFailing = 4096     // the most failing records of a map
	mostRuns    = maxText
	mostOffset  = math.MaxInt64 / 4
	mostTime    = 1 << 47 // milliseconds since 1970: in the year 6429
)

// Decode reads the map of records above a committed offset from the metadata of its commit. It returns false when the text
// is somebody else's, or broken.
func Decode(committed int64, text string) (m Map, ok bool) {
	encoded, ours := strings.CutPrefix(text, prefix)
	if !ours || len(text) > maxText || strings.ContainsAny(encoded, "\r\n") || committed < 0 || committed > mostOffset {
		return Map{}, false
	}
	bytes, err := base64.RawStdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(bytes) == 0 || bytes[0] >= flagBitmap<<1 {
		return Map{}, false
	}
	r := reader{rest: bytes[1:]}
	m.At = time.UnixMilli(int64(r.number(mostTime)))
	m.Log = r.id(bytes[0])
	m.Above = r.above(committed, bytes[0]&flagBitmap != 0)
	m.Failing = r.failing(committed, m.At)
	if r.broken || len(r.rest) > 0 {
		return Map{}, false
	}
	return m, true
}

// reader takes numbers and bytes from the front of what is left.
type reader struct {
	rest   []byte
	broken bool
}

// number takes a number of at most most.
func (r *reader) number(most uint64) uint64 {
	n, length := binary.Uvarint(r.rest)
	if length <= 0 || n > most {
		r.fail()
		return 0
	}
	r.rest = r.rest[length:]
	return n
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) fail() { r.broken, r.rest = true, nil }

func (r *reader) id(flags byte) string {
	switch {
	case flags&flagID != 0 && flags&flagText != 0:
		r.fail()
	case flags&flagID != 0:
		return base64.RawStdEncoding.EncodeToString(r.bytes(idBytes))
	case flags&flagText != 0:
		return string(r.bytes(r.number(mostID)))
	}
	return ""
}

func (r *reader) above(committed int64, bitmap bool) []Range {
	gap := int64(r.number(mostOffset))
	switch {
	case r.broken || gap == 0:
		return nil
	case bitmap:
		return r.bitmap(committed + gap)
	}
	return r.runs(committed + gap)
}

func (r *reader) bitmap(from int64) (all []Range) {
	for i, bits := range r.bytes(r.number(maxText)) {
		for bit := range 8 {
			if at := from + int64(8*i+bit); bits&(1<<bit) != 0 {
				all = Join(all, Range{at, at + 1})
			}
		}
	}
	return all
}

func (r *reader) runs(from int64) (all []Range) {
	further := r.number(mostRuns)
	for i := uint64(0); i <= further && !r.broken; i++ {
		if i > 0 {
			from += int64(r.number(mostOffset))
		}
		length := int64(r.number(mostOffset))
		if length == 0 || from+length > mostOffset || i > 0 && from == all[i-1].To {
			r.fail()
			return nil
		}
		all = append(all, Range{from, from + length})
		from += length
	}
	return all
}

func (r *reader) failing(committed int64, at time.Time) (all []Failing) {
	n := r.number(mostFailing)
	offset := committed
	for i := uint64(0); i < n && !r.broken; i++ {
		step := int64(r.number(mostOffset))
		f := Failing{Offset: offset + step, Failures: int(r.number(mostCount)), Deaths: int(r.number(mostCount))}
		if since := r.number(mostSeconds + 1); since > 0 {
			f.First = at.Add(-time.Duration(since-1) * time.Second)
		}
		if until := r.number(mostMillis + 1); until > 0 {
			f.Due = at.Add(time.Duration(until-1) * time.Millisecond)
		}
		if i > 0 && step == 0 || f.Offset > mostOffset {
			r.fail()
			return nil
		}
		all, offset = append(all, f), f.Offset
	}
	return all
}

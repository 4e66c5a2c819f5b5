// Package entry is an entry of a Redis stream as a record of Kafka: its arguments in XADD, and its id.
package entry

import (
	"errors"
	"math"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
)

// ID is an entry's id: <ms>-<sequence>. The sequence of a record is offset*Partitions + partition, so no two records of a
// topic have one id, and the ids of a partition grow as its offsets do.
type ID struct {
	Millis   int64
	Sequence uint64
}

// MaxID is the length of the longest id, in bytes: two numbers of 64 bits.
const MaxID = 41

// Partitions is how many partitions a topic may have for its records to have ids.
const Partitions = 100_000

// ErrNoID says that a record is written, but has no id: nothing must be sent again.
var ErrNoID = errors.New("the record is written, but it has no id: its partition and offset are not known, or too large for one")

// IDOf is the id of a record that is written. Its time is that of the record, and at least 1: 0-0 is no id.
func IDOf(r *kafka.Result) (ID, error) {
	const most = math.MaxUint64 / Partitions
	if r.Partition < 0 || r.Partition >= Partitions || r.Offset < 0 || uint64(r.Offset) >= most {
		return ID{}, ErrNoID
	}
	return ID{max(1, r.Timestamp), uint64(r.Offset)*Partitions + uint64(r.Partition)}, nil
}

// Append appends the id as text.
func (id ID) Append(b []byte) []byte {
	b = strconv.AppendInt(b, id.Millis, 10)
	return strconv.AppendUint(append(b, '-'), id.Sequence, 10)
}

// redisError is an error in Redis' own words, which clients may know (t_stream.c).
type redisError string

func (e redisError) Error() string { return string(e) }

var (
	errID       = redisError("Invalid stream ID specified as stream command argument")
	errLeastID  = redisError("The ID specified in XADD must be greater than 0-0")
	errChosenID = errors.New("the id of an entry is its position in Kafka and cannot be chosen: write *, or <ms>-* for the time of the record")
	errNoTime   = errors.New("the time of an entry is at least 1: write * for now, or <ms>-*")
)

// parseChosen reads an id that is not *. sluice takes <ms>-* only: the offset is Kafka's.
func parseChosen(arg []byte) (millis int64, err error) {
	ms, sequence, two := cutID(arg)
	switch {
	case two && string(sequence) == "*":
		return parseMillis(ms)
	case !isID(arg):
		return 0, errID
	case string(arg) == "0-0":
		return 0, errLeastID
	}
	return 0, errChosenID
}

// parseMillis reads the time of an entry. One that is too large for Kafka stays too large.
func parseMillis(arg []byte) (int64, error) {
	n, ok := parseUint64(arg)
	switch {
	case !ok:
		return 0, errID
	case n == 0:
		return 0, errNoTime
	}
	return int64(min(n, math.MaxInt64)), nil
}

// isID tells whether Redis takes an argument for an id: <ms>, or <ms>-<sequence>.
func isID(arg []byte) bool {
	ms, sequence, two := cutID(arg)
	_, ok := parseUint64(ms)
	if ok && two {
		_, ok = parseUint64(sequence)
	}
	return ok
}

func cutID(arg []byte) (ms, sequence []byte, two bool) {
	for i, c := range arg {
		if c == '-' {
			return arg[:i], arg[i+1:], true
		}
	}
	return arg, nil, false
}

// parseUint64 reads a number as Redis does (util.c, string2ull), but in its one canonical form only.
func parseUint64(b []byte) (uint64, bool) {
	const longest = len("18446744073709551615")
	if len(b) > longest || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil
}

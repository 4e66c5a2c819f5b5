package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// Errors of the parsers with a text that clients know.
var (
	// ErrTimeout and ErrNegativeTimeout are Redis' own (timeout.c, getTimeoutFromObjectOrReply).
	ErrTimeout         = errors.New("timeout is not a float or out of range")
	ErrNegativeTimeout = errors.New("timeout is negative")
	// ErrMillis is Rafka's answer to DUMP with anything but a number.
	ErrMillis = errors.New("NaN")
)

// Is tells whether an argument is a keyword, in any case.
func Is(arg []byte, keyword string) bool {
	return len(arg) == len(keyword) && bytes.EqualFold(arg, []byte(keyword))
}

// maxTopics bounds the topics of one BLPOP key.
const maxTopics = 1000

// ParseProduceKey reads the key of a producing command, "topics:<topic>[:<key>]". The record's key
// is nil when there is none, and may itself contain colons. Both alias the argument.
func ParseProduceKey(arg []byte) (topic, key []byte, err error) {
	topic, key, err = cutTopics(arg)
	if err != nil {
		return nil, nil, err
	}
	if err := CheckTopic(topic); err != nil {
		return nil, nil, err
	}
	return topic, key, nil
}

// ParseConsumeKey reads the key of BLPOP, "topics:<t1,t2>[:<json>]". A topic that starts with ^ is a
// pattern; it cannot contain a colon or a comma. The overrides are nil when there are none, are not
// looked into, and alias the argument.
func ParseConsumeKey(arg []byte) (topics []string, overrides []byte, err error) {
	list, overrides, err := cutTopics(arg)
	if err != nil {
		return nil, nil, err
	}
	if n := bytes.Count(list, []byte{','}) + 1; n > maxTopics {
		return nil, nil, fmt.Errorf("%d topics are more than %d", n, maxTopics)
	}
	for name := range bytes.SplitSeq(list, []byte{','}) {
		if err := validSubscription(name); err != nil {
			return nil, nil, err
		}
		topics = append(topics, string(name))
	}
	if len(overrides) == 0 {
		overrides = nil
	}
	return topics, overrides, nil
}

// cutTopics takes "topics:<names>[:<rest>]" apart; rest is nil without its colon.
func cutTopics(arg []byte) (names, rest []byte, err error) {
	names, ok := bytes.CutPrefix(arg, []byte("topics:"))
	if !ok {
		return nil, nil, fmt.Errorf("bad key %s: it must look like topics:<topic>", clip(arg))
	}
	if names, rest, ok = bytes.Cut(names, []byte{':'}); ok {
		return names, rest[:len(rest):len(rest)], nil
	}
	return names, nil, nil
}

// CheckTopic says why a name cannot be a topic; see record.ValidTopic.
func CheckTopic(name []byte) error {
	switch {
	case record.ValidTopic(name):
		return nil
	case len(name) == 0:
		return errors.New("the topic name is empty")
	case len(name) > record.MaxTopic:
		return fmt.Errorf("bad topic name %s: %d characters are more than %d", clip(name), len(name), record.MaxTopic)
	case string(name) == "." || string(name) == "..":
		return fmt.Errorf("bad topic name %s", clip(name))
	}
	return fmt.Errorf("bad topic name %s: only letters, digits, '.', '_' and '-' are allowed", clip(name))
}

// maxExpression bounds a pattern of topics.
const maxExpression = 1000

// validSubscription is CheckTopic, but lets patterns through: package kafka judges those.
func validSubscription(name []byte) error {
	if len(name) == 0 || name[0] != '^' {
		return CheckTopic(name)
	}
	switch {
	case len(name) > maxExpression:
		return fmt.Errorf("bad topic pattern %s: it has %d bytes: at most %d are allowed", clip(name), len(name), maxExpression)
	case len(name) == 1 || bytes.IndexByte(name, 0) >= 0:
		return fmt.Errorf("bad topic pattern %s", clip(name))
	}
	return nil
}

// RecordID names one record: a position in a partition of a topic.
type RecordID struct {
	Topic     []byte // aliases the argument
	Partition int32
	Offset    int64
}

// ParseRecordID reads "<topic>:<partition>:<offset>", as in RPUSH acks. Neither number may be negative.
func ParseRecordID(arg []byte) (RecordID, error) {
	topic, numbers, _ := bytes.Cut(arg, []byte{':'})
	first, second, _ := bytes.Cut(numbers, []byte{':'})
	partition, okPartition := ParseInt(first)
	offset, okOffset := ParseInt(second)
	if !okPartition || !okOffset || partition < 0 || partition > math.MaxInt32 || offset < 0 {
		return RecordID{}, fmt.Errorf("bad record id %s: it must look like topic:partition:offset", clip(arg))
	}
	if err := CheckTopic(topic); err != nil {
		return RecordID{}, err
	}
	return RecordID{Topic: topic, Partition: int32(partition), Offset: offset}, nil
}

// maxWait caps a wait: deadlines computed from it stay within what time.Time can say.
const maxWait = 100 * 365 * 24 * time.Hour

// ParseTimeout reads the seconds of a blocking command, which may be fractional. 0 waits without end, and more than a
// century is a century. The error is ErrTimeout or ErrNegativeTimeout.
func ParseTimeout(arg []byte) (wait time.Duration, forever bool, err error) {
	if !plainFloat(arg) {
		return 0, false, ErrTimeout
	}
	seconds, err := strconv.ParseFloat(string(arg), 64)
	switch {
	case err != nil || seconds*1000 >= math.MaxInt64: // Redis counts milliseconds in an int64
		return 0, false, ErrTimeout
	case seconds < 0:
		return 0, false, ErrNegativeTimeout
	case seconds == 0:
		return 0, true, nil
	}
	nanos := min(seconds*float64(time.Second), float64(maxWait))
	return max(time.Duration(nanos), 1), false, nil
}

// plainFloat refuses what ParseFloat accepts but Redis does not: infinities, hexadecimal digits, underscores.
func plainFloat(arg []byte) bool {
	for _, c := range arg {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return false
		}
	}
	return len(arg) > 0 && len(arg) <= maxHeader
}

// ParseMillis reads the milliseconds of DUMP; more than a century is a century. The error is ErrMillis.
func ParseMillis(arg []byte) (time.Duration, error) {
	n, ok := ParseInt(arg)
	if !ok || n < 0 {
		return 0, ErrMillis
	}
	return time.Duration(min(n, maxWait.Milliseconds())) * time.Millisecond, nil
}

// ParseInt reads a decimal int64 in its one canonical form, as Redis does (util.c, string2ll): without a plus sign,
// leading zeros or spaces.
func ParseInt(b []byte) (int64, bool) {
	digits := bytes.TrimPrefix(b, []byte{'-'})
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(b) > 1 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case len(digits) < len(b):
		return -int64(n), n <= 1<<63
	case n > math.MaxInt64:
		return 0, false
	}
	return int64(n), true
}

// clip quotes an argument for an error, cut short: it comes from a stranger.
func clip(b []byte) string {
	const limit = 128
	if len(b) > limit {
		return string(AppendQuoted(nil, b[:limit])) + "..."
	}
	return string(AppendQuoted(nil, b))
}

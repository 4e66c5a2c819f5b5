package rest

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
)

// Small bodies of JSON, walked through as those of records are.

// eachField takes a text that is an object, and calls field with the text of each member's value.
func eachField(text []byte, what string, field func(name string, raw []byte) error) error {
	if !utf8.Valid(text) {
		return plain(http.StatusBadRequest, "the body is not UTF-8")
	}
	s := scanner{text: text}
	if s.peek() != '{' {
		if _, err := s.value(); err != nil {
			return err
		}
		return invalid("%s is not an object", what)
	}
	more, err := s.enter('{')
	for more && err == nil {
		var name, raw []byte
		if name, err = s.name(); err != nil {
			break
		}
		if raw, err = s.value(); err != nil {
			break
		}
		if err = field(string(name), raw); err != nil {
			break
		}
		more, err = s.next('{')
	}
	if err != nil {
		return err
	}
	return s.end()
}

// eachElement takes the text of a value that is a list of at most so many, and calls element with the text of
// each; null is an empty one.
func eachElement(raw []byte, what string, most int, element func(raw []byte) error) error {
	if isNull(raw) {
		return nil
	}
	s := scanner{text: raw}
	if s.peek() != '[' {
		return invalid("%q is not a list", what)
	}
	more, err := s.enter('[')
	for n := 0; more && err == nil; n++ {
		if n == most {
			return plain(http.StatusRequestEntityTooLarge, "%q has more than %d elements", what, most)
		}
		var value []byte
		if value, err = s.value(); err != nil {
			break
		}
		if err = element(value); err != nil {
			break
		}
		more, err = s.next('[')
	}
	return err
}

// stringOf is what a string says.
func stringOf(what string, raw []byte) (string, error) {
	if raw[0] != '"' {
		return "", invalid("%q is not a string", what)
	}
	return string(unquote(raw)), nil
}

// wordOf is what a string says, or the text of a number, true or false: clients write these either way.
func wordOf(what string, raw []byte) (string, error) {
	switch raw[0] {
	case '{', '[':
		return "", invalid("%q is neither a string, a number, true nor false", what)
	case '"':
		return string(unquote(raw)), nil
	}
	return string(raw), nil
}

// spot is what the lists of partitions in bodies hold: where a partition is, and what of it.
type spot struct {
	kafka.TopicPartition
	offset    int64  // -1 for none
	timestamp string // empty for none
}

// mostSpots bounds a list of partitions.
const mostSpots = 10_000

// spots reads a list of partitions; needs is what each must have besides topic and partition, if anything.
func spots(raw []byte, list, needs string) (all []spot, err error) {
	err = eachElement(raw, list, mostSpots, func(raw []byte) error {
		one, err := spotOf(raw, list, needs)
		all = append(all, one)
		return err
	})
	return all, err
}

func spotOf(raw []byte, list, needs string) (one spot, err error) {
	one.Partition, one.offset = -1, -1
	err = eachField(raw, "an element of \""+list+"\"", func(name string, raw []byte) (err error) {
		switch name {
		case "topic":
			one.Topic, err = stringOf(name, raw)
		case "partition":
			one.Partition, err = int32Of(name, raw)
		case "offset":
			one.offset, err = intOf(name, raw, 62) // the one behind it is stored
		case "timestamp":
			one.timestamp, err = wordOf(name, raw)
		case "metadata": // of a commit: not kept
		default:
			err = invalid("Unrecognized field: %s", name)
		}
		return err
	})
	switch {
	case err != nil:
	case !legalTopic(one.Topic):
		err = invalid("%q: %q is not the name of a topic", list, one.Topic)
	case one.Partition < 0:
		err = invalid("%q: \"partition\" is missing", list)
	case needs == "offset" && one.offset < 0, needs == "timestamp" && one.timestamp == "":
		err = invalid("%q: %q is missing", list, needs)
	}
	return one, err
}

func int32Of(what string, raw []byte) (int32, error) {
	n, err := intOf(what, raw, 31)
	return int32(n), err //nolint:gosec // at most 31 bits
}

// intOf reads a whole number from 0 on, which may be in a string.
func intOf(what string, raw []byte, bits int) (int64, error) {
	word, err := wordOf(what, raw)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(word, 10, bits)
	if err != nil {
		return 0, invalid("%q is not a whole number from 0 on, of at most %d bits", what, bits)
	}
	return int64(n), nil //nolint:gosec // at most 63 bits
}

// partitionsAt are the partitions of spots.
func partitionsAt(all []spot) []kafka.TopicPartition {
	list := make([]kafka.TopicPartition, 0, len(all))
	for i := range all {
		list = append(list, all[i].TopicPartition)
	}
	return list
}

package resp

import (
	"errors"
	"slices"
	"strings"

	"github.com/sluice-proxy/sluice/protocol"
)

// topicPrefix begins the keys that topics are shown as.
const topicPrefix = "topics:"

// keys answers KEYS <glob>. "topics:" alone is Rafka's way to ask for all topics.
func keys(s *session, args [][]byte) error {
	names, err := s.keysLike(args[1])
	if err != nil {
		return err
	}
	s.listKeys(names)
	return nil
}

func (s *session) listKeys(names []string) {
	s.out.Array(len(names))
	for _, name := range names {
		s.out.BulkString(name)
	}
}

// keysLike returns the keys of the topics that fit the glob.
func (s *session) keysLike(pattern []byte) ([]string, error) {
	names, err := s.topics()
	if err != nil {
		return nil, err
	}
	var list []string
	all := string(pattern) == topicPrefix
	for _, name := range names {
		key := topicPrefix + name
		if all || protocol.Match(pattern, []byte(key)) {
			list = append(list, key)
		}
	}
	return list, nil
}

var errCursor = errors.New("invalid cursor")

// scanning is what SCAN asks for.
type scanning struct {
	done    bool // a cursor that we never gave out
	pattern []byte
	kind    []byte
}

// scan answers SCAN <cursor> [MATCH glob] [COUNT n] [TYPE type] with one page, the whole list: COUNT
// is a hint, and a cluster has few topics for a database's keys.
func scan(s *session, args [][]byte) error {
	wanted, err := parseScan(args)
	if err != nil {
		return err
	}
	var names []string
	if !wanted.done && (wanted.kind == nil || is(wanted.kind, "list")) {
		if names, err = s.keysLike(wanted.pattern); err != nil {
			return err
		}
	}
	s.out.Array(2)
	s.out.BulkString("0")
	s.listKeys(names)
	return nil
}

func parseScan(args [][]byte) (scanning, error) {
	wanted := scanning{pattern: []byte("*")}
	cursor, err := parseInt(args[1])
	if err != nil {
		return wanted, errCursor
	}
	wanted.done = cursor != 0
	rest := args[2:]
	for ; len(rest) > 1; rest = rest[2:] {
		switch {
		case is(rest[0], "match"):
			wanted.pattern = rest[1]
		case is(rest[0], "type"):
			wanted.kind = rest[1]
		case is(rest[0], "count"):
			if err := checkCount(rest[1]); err != nil {
				return wanted, err
			}
		default:
			return wanted, errSyntax
		}
	}
	if len(rest) > 0 {
		return wanted, errSyntax
	}
	return wanted, nil
}

func checkCount(arg []byte) error {
	n, err := parseInt(arg)
	if err != nil {
		return err
	}
	if n < 1 {
		return errSyntax
	}
	return nil
}

// kindOf is the type of a key: topics are pushed to and popped from. names are all topics in order.
func kindOf(key []byte, names []string) string {
	if string(key) == statsKey {
		return "hash"
	}
	if name, isTopic := topicOf(key); isTopic {
		if _, found := slices.BinarySearch(names, name); found {
			return "list"
		}
	}
	return "none"
}

func topicOf(key []byte) (name string, isTopic bool) {
	return strings.CutPrefix(string(key), topicPrefix)
}

// topicsFor lists the topics if one of the keys is about them.
func (s *session) topicsFor(keys [][]byte) ([]string, error) {
	for _, key := range keys {
		if _, isTopic := topicOf(key); isTopic {
			return s.topics()
		}
	}
	return nil, nil
}

func typeOf(s *session, args [][]byte) error {
	names, err := s.topicsFor(args[1:])
	if err != nil {
		return err
	}
	s.out.Simple(kindOf(args[1], names))
	return nil
}

// exists answers EXISTS: how many of the keys are there, each as often as it is named.
func exists(s *session, args [][]byte) error {
	names, err := s.topicsFor(args[1:])
	if err != nil {
		return err
	}
	n := int64(0)
	for _, key := range args[1:] {
		n += boolInt(kindOf(key, names) != "none")
	}
	s.out.Int(n)
	return nil
}

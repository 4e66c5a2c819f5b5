package resp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
	"github.com/sluice-proxy/sluice/server/resp/topiclist"
)

// keysCommands show topics as keys.
var keysCommands = []command{
	{"keys", 2, "ERR", 0, keys},
	{"scan", -2, "ERR", 0, scan},
	{"type", 2, "ERR", 0, typeOf},
	{"exists", -2, "ERR", 0, exists},
	{"dbsize", 1, "ERR", 0, dbsize},
	{"llen", 2, "ERR", 0, llen},
	{"ttl", 2, "ERR", 0, ttl},
	{"pttl", 2, "ERR", 0, ttl},
}

// topicPrefix begins the keys that stand for topics.
const topicPrefix = "topics:"

// keys answers KEYS <glob>. "topics:" alone asks for all topics, as in Rafka.
func keys(s *session, args [][]byte) error {
	names, err := s.matchingKeys(args[1])
	if err != nil {
		return err
	}
	s.replyStrings(names)
	return nil
}

func (s *session) replyStrings(names []string) {
	s.out.Array(len(names))
	for _, name := range names {
		s.out.BulkString(name)
	}
}

// matchingKeys returns the keys of the topics that match the glob.
func (s *session) matchingKeys(pattern []byte) ([]string, error) {
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

// scanOptions are the arguments of SCAN.
type scanOptions struct {
	done    bool // the cursor is not one that SCAN ever returned
	pattern []byte
	kind    []byte
}

// scan answers SCAN <cursor> [MATCH glob] [COUNT n] [TYPE type] with one page that has the whole list. COUNT is only a
// hint, and a cluster has few topics compared with the keys of a database.
func scan(s *session, args [][]byte) error {
	wanted, err := parseScan(args)
	if err != nil {
		return err
	}
	var names []string
	if !wanted.done && (wanted.kind == nil || protocol.Is(wanted.kind, "list")) {
		if names, err = s.matchingKeys(wanted.pattern); err != nil {
			return err
		}
	}
	s.out.Array(2)
	s.out.BulkString("0")
	s.replyStrings(names)
	return nil
}

func parseScan(args [][]byte) (scanOptions, error) {
	wanted := scanOptions{pattern: []byte("*")}
	cursor, err := parseInt(args[1])
	if err != nil {
		return wanted, errCursor
	}
	wanted.done = cursor != 0
	rest := args[2:]
	for ; len(rest) > 1; rest = rest[2:] {
		switch {
		case protocol.Is(rest[0], "match"):
			wanted.pattern = rest[1]
		case protocol.Is(rest[0], "type"):
			wanted.kind = rest[1]
		case protocol.Is(rest[0], "count"):
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

// keyType is the type of a key. A topic is a list: clients push to it and pop from it. names are all topics in order.
func keyType(key []byte, names []string) string {
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

// topicOf is the topic of a key, without the record's key or the JSON behind it.
func topicOf(key []byte) (name string, isTopic bool) {
	name, isTopic = strings.CutPrefix(string(key), topicPrefix)
	name, _, _ = strings.Cut(name, ":")
	return name, isTopic
}

// topicsFor lists the topics if one of the keys stands for a topic.
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
	s.out.Simple(keyType(args[1], names))
	return nil
}

// exists answers EXISTS: how many of the keys exist. A key that is named twice counts twice.
func exists(s *session, args [][]byte) error {
	names, err := s.topicsFor(args[1:])
	if err != nil {
		return err
	}
	n := int64(0)
	for _, key := range args[1:] {
		n += boolInt(keyType(key, names) != "none")
	}
	s.out.Int(n)
	return nil
}

// dbsize answers DBSIZE: how many topics there are.
func dbsize(s *session, _ [][]byte) error {
	names, err := s.topics()
	if err != nil {
		return err
	}
	s.out.Int(int64(len(names)))
	return nil
}

// ttl answers TTL and PTTL: no key expires. The records of a topic do, by its retention.
func ttl(s *session, args [][]byte) error {
	names, err := s.topicsFor(args[1:])
	if err != nil {
		return err
	}
	s.out.Int(boolInt(keyType(args[1], names) != "none") - 2) // -1 for a key that never expires, -2 for none
	return nil
}

// llen answers LLEN topics:<t1,t2>[:<json>]: how many records the client's group has not settled, as of its last commit. A
// client without a group gets how many records there are.
func llen(s *session, args [][]byte) error {
	topics, settings, err := protocol.ParseConsumeKey(args[1])
	if err != nil { // no topic
		s.out.Int(0)
		return nil
	}
	group, err := s.groupOf(args[1], topics, settings)
	if err != nil {
		return err
	}
	n := int64(0)
	err = s.ask(func(ctx context.Context) (err error) {
		n, err = s.server.kafka.Backlog(ctx, group, topics)
		return err
	})
	switch _, ends := errors.AsType[endError](err); {
	case ends:
		return err
	case err != nil:
		return exactError(fmt.Sprintf("TRYAGAIN the length cannot be read from Kafka: %s", err))
	}
	s.out.Int(n)
	return nil
}

// groupOf is the group that a key names, or else the client's own; empty for none. What is no JSON is a record's key.
func (s *session) groupOf(key []byte, topics []string, settings []byte) (string, error) {
	if bytes.HasPrefix(settings, []byte{'{'}) {
		k, err := blpopkey.Parse(key, topics, settings, s.ownIdentity(), s.consumer.defaults)
		if err != nil {
			return "", err
		}
		if k.Pooled {
			return k.Identity.Group, nil
		}
	}
	if last := s.consumer.last; last != nil && !s.consumer.named {
		return last.Key.Identity.Group, nil
	}
	return s.ownIdentity().Group, nil
}

// ask puts a question to the brokers, and waits for the answer as long as the client does.
func (s *session) ask(question func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answer := make(chan error, 1)
	s.server.sessions.running.Go(func() {
		answer <- question(ctx)
		s.conn.Wake()
	})
	for {
		select {
		case err := <-answer:
			return err
		default:
		}
		if err := s.pauseOrEnd(time.Time{}); err != nil {
			return err
		}
	}
}

// topics lists the topics of the cluster. It ends when the client hangs up meanwhile.
func (s *session) topics() ([]string, error) {
	waiter := s.server.topics.Ask(s.conn.Wake)
	defer waiter.Leave()
	until := time.Now().Add(topiclist.Timeout + time.Second)
	for {
		names, ok, err := waiter.Answer()
		switch {
		case ok:
			return names, topicsError(err)
		case !time.Now().Before(until):
			return nil, topicsError(context.DeadlineExceeded)
		}
		if err := s.pauseOrEnd(until); err != nil {
			return nil, err
		}
	}
}

// topicsError tells clients to try again.
func topicsError(err error) error {
	if err == nil {
		return nil
	}
	return exactError(fmt.Sprintf("TRYAGAIN the topics cannot be read from Kafka: %s", err))
}

package entry

import (
	"bytes"
	"fmt"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// Entry is what XADD asks for. Its parts alias the arguments.
type Entry struct {
	Topic, Key, Value []byte // Key is nil without a field key
	Existing          bool   // NOMKSTREAM: only if the topic exists
	Details           kafka.Details
}

const (
	errInteger   = redisError("value is not an integer or out of range")
	errTwoTrims  = redisError("syntax error, MAXLEN and MINID options at the same time are not compatible")
	errMaxLen    = redisError("The MAXLEN argument must be >= 0.")
	errLimit     = redisError("The LIMIT argument must be >= 0.")
	errLoneLimit = redisError("syntax error, LIMIT cannot be used without specifying a trimming strategy")
	errExact     = redisError("syntax error, LIMIT cannot be used without the special ~ option")
	errArity     = redisError("wrong number of arguments for 'xadd' command")
)

// Parse reads XADD <topic> [options] *|<ms>-* <field> <value> ... into e. The memory of its headers is used again.
func (e *Entry) Parse(args [][]byte) error {
	*e = Entry{Details: kafka.Details{Partition: kafka.AnyPartition, Headers: e.Details.Headers[:0]}}
	rest, err := e.parseOptions(args[2:])
	if err != nil {
		return err
	}
	if len(rest) < 2 || len(rest)%2 != 0 {
		return errArity
	}
	if err := e.parseTopic(args[1]); err != nil {
		return err
	}
	return e.parseFields(rest)
}

// parseTopic takes the name alone: the prefix of lists would be a part of the stream's name to other commands.
func (e *Entry) parseTopic(arg []byte) error {
	e.Topic = arg
	err := protocol.CheckTopic(arg)
	if bytes.HasPrefix(arg, []byte("topics:")) {
		return fmt.Errorf("%w: XADD takes the name of the topic alone, and the record's key as the field key", err)
	}
	return err
}

// trimming is what the options before the id say of it. It is checked and then forgotten: the retention is Kafka's.
type trimming struct{ given, approximate, limited, counted bool }

// parseOptions reads what comes before the fields, the id included. The options may have any order.
func (e *Entry) parseOptions(args [][]byte) (fields [][]byte, err error) {
	var trim trimming
	for len(args) > 0 {
		opt, more := args[0], args[1:]
		switch {
		case string(opt) == "*":
			return more, trim.check()
		case len(more) > 0 && (protocol.Is(opt, "maxlen") || protocol.Is(opt, "minid")):
			args, err = trim.threshold(protocol.Is(opt, "maxlen"), more)
		case len(more) > 0 && protocol.Is(opt, "limit"):
			args, err = more[1:], trim.limit(more[0])
		case protocol.Is(opt, "nomkstream"):
			args, e.Existing = more, true
		default:
			if e.Details.Timestamp, err = parseChosen(opt); err == nil {
				err = trim.check()
			}
			return more, err
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, trim.check()
}

// threshold reads [=|~] and what MAXLEN or MINID compares with.
func (t *trimming) threshold(isMaxLen bool, args [][]byte) (rest [][]byte, err error) {
	if t.given {
		return nil, errTwoTrims
	}
	t.given = true
	if len(args) > 1 && (string(args[0]) == "~" || string(args[0]) == "=") {
		t.approximate = args[0][0] == '~'
		args = args[1:]
	}
	if !isMaxLen {
		if !isID(args[0]) {
			return nil, errID
		}
		return args[1:], nil
	}
	switch n, ok := protocol.ParseInt(args[0]); {
	case !ok:
		return nil, errInteger
	case n < 0:
		return nil, errMaxLen
	}
	return args[1:], nil
}

func (t *trimming) limit(arg []byte) error {
	n, ok := protocol.ParseInt(arg)
	switch {
	case !ok:
		return errInteger
	case n < 0:
		return errLimit
	}
	t.limited, t.counted = true, n > 0
	return nil
}

// check judges the options together.
func (t *trimming) check() error {
	switch {
	case t.counted && !t.given:
		return errLoneLimit
	case t.limited && !t.approximate:
		return errExact
	}
	return nil
}

// parseFields gives the fields their places in the record. Without a value field the value is empty, and never null.
func (e *Entry) parseFields(pairs [][]byte) error {
	for ; len(pairs) > 0; pairs = pairs[2:] {
		field, value := pairs[0], notNull(pairs[1])
		var place *[]byte
		switch {
		case string(field) == "value":
			place = &e.Value
		case string(field) == "key":
			place = &e.Key
		case bytes.IndexByte(field, 0) >= 0:
			return fmt.Errorf("the field %.100q has a zero byte, which the name of a header cannot have", field)
		default:
			e.Details.Headers = e.Details.Headers.Append(field, value)
			continue
		}
		if *place != nil {
			return fmt.Errorf("the field %s is given twice: a record has one", field)
		}
		*place = value
	}
	e.Value = notNull(e.Value)
	return nil
}

// notNull is an empty value for nil, which Kafka takes for a null.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// roomKept is how much memory for headers a session keeps between two commands.
const roomKept = 1 << 10

// Release lets go of the arguments, and of memory beyond what a usual entry needs.
func (e *Entry) Release() {
	headers := e.Details.Headers[:0]
	if cap(headers) > roomKept {
		headers = nil
	}
	*e = Entry{Details: kafka.Details{Headers: headers}}
}

package resp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server/failurejson"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
)

// settlements are the keys of RPUSH that are no topics: they settle records that the client was lent.
var settlements = map[string]func(*session, [][]byte) error{
	"acks":     acceptThrough,
	"accepts":  accept,
	"releases": release,
	"rejects":  reject,
	"renews":   countHeld,
}

// consError gives the error of a settlement Rafka's prefix: RPUSH itself is a producing command.
func consError(err error) error {
	var end endError
	var exact exactError
	if errors.As(err, &end) || errors.As(err, &exact) {
		return err
	}
	return exactError("CONS " + err.Error())
}

// topicsPrefix begins the keys of RPUSH that produce.
var topicsPrefix = []byte(topicPrefix)

// settlement is the settling command that a key of RPUSH calls, nil when it is none: acks, or acks:<json> with the
// identity that the key of BLPOP named.
func settlement(key []byte) func(*session, [][]byte) error {
	if bytes.HasPrefix(key, topicsPrefix) { // nearly always
		return nil
	}
	name, _, _ := bytes.Cut(key, []byte{':'})
	return settlements[string(name)]
}

// settlingMember finds the member whose records are settled: by the identity in the key, by the client's name, then by the
// connection itself. It is nil when nobody with this identity consumes.
func (s *session) settlingMember(key []byte) (*kafka.Member, error) {
	c := &s.consumer
	if _, settings, named := bytes.Cut(key, []byte{':'}); named {
		id, err := blpopkey.ParseIdentity(settings, s.ownIdentity())
		if err != nil {
			return nil, err
		}
		return s.server.kafka.Find(id), nil
	}
	if c.last != nil && c.last.Pooled {
		return c.last.Member, nil
	}
	if c.named && (c.own == nil || c.own.Key.Identity != c.identity) {
		if m := s.server.kafka.Find(c.identity); m != nil {
			return m, nil
		}
	}
	switch {
	case c.own != nil:
		return c.own.Member, nil
	case c.named:
		return nil, nil
	}
	return nil, s.nameError()
}

func partitionOf(id protocol.RecordID) kafka.TopicPartition {
	return kafka.TopicPartition{Topic: string(id.Topic), Partition: id.Partition}
}

// acceptThrough answers RPUSH acks <t>:<p>:<o>: all records of the partition up to this one are done. The reply is 0
// when there was nothing to acknowledge.
func acceptThrough(s *session, args [][]byte) error {
	if len(args) != 3 {
		return errors.New("acks takes one record: RPUSH acks <topic>:<partition>:<offset>")
	}
	id, err := protocol.ParseRecordID(args[2])
	if err != nil {
		return err
	}
	m, err := s.settlingMember(args[1])
	if err != nil {
		return err
	}
	done := m != nil && m.AcceptThrough(partitionOf(id), id.Offset) > 0
	s.out.Int(boolInt(done))
	return nil
}

// accept answers RPUSH accepts <t:p:o> ...: these records are done.
func accept(s *session, args [][]byte) error {
	return s.countRecords(args, func(m *kafka.Member, id protocol.RecordID) bool {
		return m.Accept(partitionOf(id), id.Offset)
	})
}

// countHeld answers RPUSH renews <t:p:o> ...: how many of these records the client still holds. Nothing is renewed,
// because a record that was lent over RESP has no time limit.
func countHeld(s *session, args [][]byte) error {
	return s.countRecords(args, func(m *kafka.Member, id protocol.RecordID) bool {
		return m.Owes(partitionOf(id), id.Offset)
	})
}

// countRecords replies for how many records settle is true. All ids are read before the first record is settled: an
// error means that none was.
func (s *session) countRecords(args [][]byte, settle func(*kafka.Member, protocol.RecordID) bool) error {
	ids := args[2:]
	for _, arg := range ids {
		if _, err := protocol.ParseRecordID(arg); err != nil {
			return err
		}
	}
	m, err := s.settlingMember(args[1])
	if err != nil {
		return err
	}
	n := int64(0)
	for _, arg := range ids {
		id, _ := protocol.ParseRecordID(arg) // was read above
		if m != nil && settle(m, id) {
			n++
		}
	}
	s.out.Int(n)
	return nil
}

// parseFailed reads <t:p:o> [json]: a record that the client could not process, and why.
func parseFailed(args [][]byte, read func([]byte) (failurejson.Report, error)) (id protocol.RecordID, r failurejson.Report, err error) {
	r.Delay = kafka.ByPolicy
	if len(args) < 3 || len(args) > 4 {
		return id, r, fmt.Errorf("%s takes one record: RPUSH %s <topic>:<partition>:<offset> [<json>]", args[1], args[1])
	}
	if id, err = protocol.ParseRecordID(args[2]); err == nil && len(args) == 4 {
		r, err = read(args[3])
	}
	return id, r, err
}

// release answers RPUSH releases <t:p:o> [json]: the record is lent again, to this client or another one, after a time.
func release(s *session, args [][]byte) error {
	id, why, err := parseFailed(args, failurejson.Release)
	if err != nil {
		return err
	}
	m, err := s.settlingMember(args[1])
	if err != nil {
		return err
	}
	s.out.Int(boolInt(m != nil && m.Fail(partitionOf(id), id.Offset, why.Failure, why.Delay)))
	return nil
}

// reject answers RPUSH rejects <t:p:o> [json]: the record is given up. The reply is 1 when its dead letter is written.
func reject(s *session, args [][]byte) error {
	id, why, err := parseFailed(args, failurejson.Reject)
	if err != nil {
		return err
	}
	m, err := s.settlingMember(args[1])
	if err != nil {
		return err
	}
	if m == nil {
		s.out.Int(0)
		return nil
	}
	written := make(chan error, 1)
	wake := s.conn.Wake
	held, err := m.Reject(partitionOf(id), id.Offset, why.Failure, func(err error) {
		written <- err
		wake()
	})
	switch {
	case err != nil:
		return fmt.Errorf("reject %s: %w", args[2], err)
	case !held:
		s.out.Int(0)
		return nil
	}
	return s.awaitLetter(written, string(args[2]))
}

// awaitLetter replies when the dead letter of a record is written.
func (s *session) awaitLetter(written <-chan error, id string) error {
	for until := time.Now().Add(s.opts.AckTimeout); ; {
		select {
		case err := <-written:
			if err != nil {
				return fmt.Errorf("reject %s: %w", id, err)
			}
			s.out.Int(1)
			return nil
		default:
		}
		if !time.Now().Before(until) {
			return fmt.Errorf("reject %s: its dead letter is not written after %s. The record is given up all the same, and sluice goes on writing it: "+
				"see the lines \"dead letter not written\" in sluice's log for the cause", id, s.opts.AckTimeout)
		}
		if err := s.pauseOrEnd(until); err != nil {
			return err
		}
	}
}

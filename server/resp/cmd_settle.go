package resp

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

// consError gives a settlement's error Rafka's prefix: RPUSH itself is a producing command.
func consError(err error) error {
	var end endError
	var exact exactError
	if errors.As(err, &end) || errors.As(err, &exact) {
		return err
	}
	return exactError("CONS " + err.Error())
}

// settling finds the member whose records are settled: by the connection's name, then by the
// connection itself.
func (s *session) settling() (*kafka.Member, error) {
	if s.named && (s.member == nil || s.member.Identity() != s.identity) {
		if m := s.server.kafka.Find(s.identity); m != nil {
			return m, nil
		}
	}
	switch {
	case s.member != nil:
		return s.member, nil
	case s.named:
		return nil, nil
	}
	return nil, s.unnamed()
}

func partitionOf(id protocol.RecordID) kafka.TopicPartition {
	return kafka.TopicPartition{Topic: string(id.Topic), Partition: id.Partition}
}

// ack answers RPUSH acks <t>:<p>:<o>: everything up to o is done. 0 says that there was nothing to
// acknowledge (any more).
func ack(s *session, args [][]byte) error {
	if len(args) != 3 {
		return errors.New("acks takes one record: RPUSH acks <topic>:<partition>:<offset>")
	}
	id, err := protocol.ParseRecordID(args[2])
	if err != nil {
		return err
	}
	m, err := s.settling()
	if err != nil {
		return err
	}
	done := m != nil && m.AcceptThrough(partitionOf(id), id.Offset) > 0
	s.out.Int(boolInt(done))
	return nil
}

// accepts answers RPUSH accepts <t:p:o> ...: these records are done.
func accepts(s *session, args [][]byte) error {
	return s.settleEach(args[2:], func(m *kafka.Member, id protocol.RecordID) bool {
		return m.Accept(partitionOf(id), id.Offset)
	})
}

// renews answers RPUSH renews <t:p:o> ...: the client still works on these records.
func renews(s *session, args [][]byte) error {
	return s.settleEach(args[2:], func(m *kafka.Member, id protocol.RecordID) bool {
		return m.Renew(partitionOf(id), id.Offset)
	})
}

// settleEach answers how many of the records the member owed. All ids are read before the first is
// settled, so that an error means that nothing was.
func (s *session) settleEach(ids [][]byte, settle func(*kafka.Member, protocol.RecordID) bool) error {
	for _, arg := range ids {
		if _, err := protocol.ParseRecordID(arg); err != nil {
			return err
		}
	}
	m, err := s.settling()
	if err != nil {
		return err
	}
	n := int64(0)
	for _, arg := range ids {
		id, _ := protocol.ParseRecordID(arg) // read above
		if m != nil && settle(m, id) {
			n++
		}
	}
	s.out.Int(n)
	return nil
}

// verdict is the JSON that may come with releases and rejects: why, and when again.
type verdict struct {
	Delay     int64  `json:"delay_ms"`
	Class     string `json:"class"`
	Message   string `json:"message"`
	Backtrace string `json:"backtrace"`
}

const maxDelay = 24 * time.Hour

// parseVerdict reads <t:p:o> [json].
func parseVerdict(args [][]byte) (id protocol.RecordID, v verdict, err error) {
	if len(args) < 3 || len(args) > 4 {
		return id, v, fmt.Errorf("%s takes one record: RPUSH %s <topic>:<partition>:<offset> [<json>]", args[1], args[1])
	}
	if id, err = protocol.ParseRecordID(args[2]); err != nil || len(args) == 3 {
		return id, v, err
	}
	if json.Unmarshal(args[3], &v) != nil {
		return id, v, fmt.Errorf("%s is not a JSON object with delay_ms, class, message or backtrace", cut(args[3], 100))
	}
	if v.Delay < 0 || v.Delay > maxDelay.Milliseconds() {
		return id, v, fmt.Errorf("delay_ms: %d is not between 0 and %d", v.Delay, maxDelay.Milliseconds())
	}
	return id, v, nil
}

// releases answers RPUSH releases <t:p:o> [json]: somebody shall try the record again.
func releases(s *session, args [][]byte) error {
	id, v, err := parseVerdict(args)
	if err != nil {
		return err
	}
	m, err := s.settling()
	if err != nil {
		return err
	}
	delay := time.Duration(v.Delay) * time.Millisecond
	s.out.Int(boolInt(m != nil && m.Release(partitionOf(id), id.Offset, delay)))
	return nil
}

// rejects answers RPUSH rejects <t:p:o> [json]: the record shall go to the dead-letter topic.
func rejects(s *session, args [][]byte) error {
	id, _, err := parseVerdict(args)
	if err != nil {
		return err
	}
	m, err := s.settling()
	if err != nil {
		return err
	}
	if m == nil {
		s.out.Int(0)
		return nil
	}
	done, err := m.Reject(partitionOf(id), id.Offset)
	if err != nil {
		return fmt.Errorf("reject %s: %w", args[2], err)
	}
	s.out.Int(boolInt(done))
	return nil
}

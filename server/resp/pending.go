package resp

import (
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// pendingReply is the reply to a delivered produce that the brokers have not answered yet.
type pendingReply struct {
	command *command
	records int
	since   time.Time
	err     error // why a later record of the command was not even taken; nil when all were
}

// addPending puts off the reply to a command.
func (s *session) addPending(p pendingReply) {
	s.producer.pending = append(s.producer.pending, p)
	s.producer.added++
}

// replyPending replies to the delivered produces whose reports are there, oldest first. With wait it replies to all.
func (s *session) replyPending(wait bool) error {
	if len(s.producer.pending) == 0 {
		return nil
	}
	var counts replyCounts
	for len(s.producer.pending) > 0 {
		oldest := &s.producer.pending[0]
		if s.replyTo(oldest, &counts) {
			s.producer.pending = s.producer.pending[:copy(s.producer.pending, s.producer.pending[1:])]
			continue
		}
		if !wait {
			break
		}
		counts.flush(s.server)
		if err := s.pause(oldest.since.Add(s.opts.AckTimeout)); err != nil {
			return err
		}
	}
	counts.flush(s.server)
	return nil
}

// replyTo replies to a delivered produce whose reports are there, or which has waited too long; false otherwise.
func (s *session) replyTo(p *pendingReply, counts *replyCounts) bool {
	failure, ok := s.producer.Take(p.records)
	if !ok && time.Since(p.since) >= s.opts.AckTimeout {
		s.producer.GiveUp(p.records, s.opts.AckTimeout)
		failure, ok = s.producer.Take(p.records)
	}
	if ok {
		counts.add(s.server, p, failure != nil || p.err != nil)
		s.writeOutcome(p, failure)
	}
	return ok
}

func (s *session) writeOutcome(p *pendingReply, failure *kafka.ProduceError) {
	switch {
	case failure != nil:
		s.out.Error("PROD " + failure.Error())
	case p.err != nil:
		s.out.Error("PROD " + p.err.Error())
	default:
		s.out.Int(int64(p.records))
	}
}

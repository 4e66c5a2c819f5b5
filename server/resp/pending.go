package resp

import (
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// debt is the answer to a delivered produce that the brokers have not confirmed yet.
type debt struct {
	command *command
	records int
	since   time.Time
	err     error // a record of the command that was not even taken
}

// settle answers the delivered produces whose reports are there. With wait it answers all of them.
func (s *session) settle(wait bool) error {
	for len(s.debts) > 0 {
		oldest := &s.debts[0]
		failure, ok := s.publisher.Take(oldest.records)
		switch {
		case ok:
			s.answer(oldest, failure)
		case time.Since(oldest.since) >= s.opts.AckTimeout:
			s.publisher.Forsake(oldest.records)
			s.countDebt(oldest, true)
			s.out.Error(fmt.Sprintf("PROD unknown: no answer of the brokers within %s", s.opts.AckTimeout))
		case !wait:
			return nil
		default:
			if err := s.pause(oldest.since.Add(s.opts.AckTimeout)); err != nil {
				return err
			}
			continue
		}
		s.debts = s.debts[:copy(s.debts, s.debts[1:])]
	}
	return nil
}

func (s *session) answer(d *debt, failure *kafka.ProduceError) {
	s.countDebt(d, failure != nil || d.err != nil)
	switch {
	case failure != nil:
		s.out.Error("PROD " + failure.Error())
	case d.err != nil:
		s.out.Error("PROD " + d.err.Error())
	default:
		s.out.Int(int64(d.records))
	}
}

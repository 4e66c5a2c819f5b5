package resp

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
)

// blpopCommands take records out of Kafka. The reply of LPOP and its kind names no offset to acknowledge: the next one
// accepts what the ones before have taken. A topic has no end to take from, so left and right are the same.
var blpopCommands = []command{
	{"blpop", -3, "CONS", blocking | hot, blpop},
	{"brpop", -3, "CONS", blocking | hot, brpop},
	{"lpop", -2, "CONS", write | hot, lpop},
	{"rpop", -2, "CONS", write | hot, lpop},
	{"lmpop", -4, "CONS", write | hot, lmpop},
	{"blmpop", -5, "CONS", blocking | hot, blmpop},
}

var (
	errUnblocked = exactError("UNBLOCKED client unblocked via CLIENT UNBLOCK")
	errOneKey    = errors.New("one key only: name several topics as topics:<t1>,<t2>")
	errPopCount  = exactError("ERR value is out of range, must be positive") // t_list.c, popGenericCommand
	errCount     = exactError("ERR count should be greater than 0")          // t_list.c, lmpopGenericCommand
	errNumKeys   = exactError("ERR numkeys should be greater than 0")        // the same
)

// pop is what one command asks for.
type pop struct {
	key     []byte
	limit   int       // records; 0 is as many as the key says
	until   time.Time // when a null is the reply; the zero time is never
	atOnce  bool      // it waits for a group that is just joined, and not for records
	accepts bool      // its reply names no offset: see blpopCommands
	null    func(*protocol.Encoder)
	reply   func(*protocol.Encoder, *blpopkey.Key, []kafka.Delivery)
}

// blpop answers BLPOP topics:<t1,t2>[:<json>] <seconds>: the next record of the client's group.
func blpop(s *session, args [][]byte) error { return s.popWithin(args, false) }

// brpop answers BRPOP topics:<t1,t2>[:<json>] <seconds>: the topic's key and the value.
func brpop(s *session, args [][]byte) error { return s.popWithin(args, true) }

func (s *session) popWithin(args [][]byte, accepts bool) error {
	until, err := parseUntil(args[len(args)-1])
	if err != nil {
		return err
	}
	if len(args) != 3 {
		return errOneKey
	}
	return s.pop(&pop{key: args[1], until: until, accepts: accepts, null: (*protocol.Encoder).NullArray, reply: replyAsAsked})
}

// parseUntil reads seconds from now; the zero time is for ever.
func parseUntil(arg []byte) (until time.Time, err error) {
	wait, forever, err := protocol.ParseTimeout(arg)
	switch {
	case err != nil:
		return until, exactError("ERR " + err.Error())
	case forever:
		return until, nil
	}
	return time.Now().Add(wait), nil
}

func replyAsAsked(out *protocol.Encoder, key *blpopkey.Key, records []kafka.Delivery) {
	key.Reply(out, records)
}

// lpop answers LPOP and RPOP topics:<t1,t2>[:<json>] [count]: a value, or with a count an array of values.
func lpop(s *session, args [][]byte) error {
	p := pop{key: args[1], limit: 1, atOnce: true, accepts: true, null: (*protocol.Encoder).Null, reply: replyValue}
	switch len(args) {
	case 2:
	case 3:
		n, err := parseInt(args[2])
		if err != nil || n < 0 {
			return errPopCount
		}
		p.limit, p.null, p.reply = clampBatch(n), (*protocol.Encoder).NullArray, replyValues
	default:
		return wrongArity(find(args[0]).name)
	}
	if p.limit == 0 {
		s.out.Array(0)
		return nil
	}
	return s.pop(&p)
}

func replyValue(out *protocol.Encoder, _ *blpopkey.Key, records []kafka.Delivery) {
	out.Bulk(records[0].Value)
}

func replyValues(out *protocol.Encoder, _ *blpopkey.Key, records []kafka.Delivery) {
	out.Array(len(records))
	for i := range records {
		out.Bulk(records[i].Value)
	}
}

// clampBatch bounds a count by what one reply may have.
func clampBatch(n int64) int { return int(min(n, blpopkey.MaxBatch)) }

// lmpop answers LMPOP 1 <key> LEFT|RIGHT [COUNT n]: the key, and an array of values.
func lmpop(s *session, args [][]byte) error {
	p, err := parseMPop(args[1:])
	if err != nil {
		return err
	}
	p.atOnce = true
	return s.pop(p)
}

// blmpop answers BLMPOP <seconds> 1 <key> LEFT|RIGHT [COUNT n].
func blmpop(s *session, args [][]byte) error {
	until, err := parseUntil(args[1])
	if err != nil {
		return err
	}
	p, err := parseMPop(args[2:])
	if err != nil {
		return err
	}
	p.until = until
	return s.pop(p)
}

// parseMPop reads 1 <key> LEFT|RIGHT [COUNT n].
func parseMPop(args [][]byte) (*pop, error) {
	p := &pop{limit: 1, accepts: true, null: (*protocol.Encoder).NullArray, reply: replyKeyAndValues}
	keys, ok := protocol.ParseInt(args[0])
	switch {
	case !ok || keys < 1:
		return nil, errNumKeys
	case keys > 1:
		return nil, errOneKey
	case !protocol.Is(args[2], "left") && !protocol.Is(args[2], "right"):
		return nil, errSyntax
	}
	p.key = args[1]
	switch rest := args[3:]; {
	case len(rest) == 0:
	case len(rest) == 2 && protocol.Is(rest[0], "count"):
		n, ok := protocol.ParseInt(rest[1])
		if !ok || n < 1 {
			return nil, errCount
		}
		p.limit = clampBatch(n)
	default:
		return nil, errSyntax
	}
	return p, nil
}

func replyKeyAndValues(out *protocol.Encoder, key *blpopkey.Key, records []kafka.Delivery) {
	out.Array(2)
	out.BulkString(key.Name())
	replyValues(out, key, records)
}

// pop replies with the next records of the client's group.
func (s *session) pop(p *pop) error {
	if s.server.drain.begun.Load() {
		return errShutdown
	}
	if s.conn.HalfClosed() {
		return endError{io.EOF} // nobody will acknowledge the record
	}
	if p.atOnce {
		p.until = time.Now().Add(joinTime)
	}
	s.showLast()
	s.consumer.wait.Store(stillBlocked)
	defer s.consumer.wait.Store(notBlocked)
	m, err := s.subscribe(p)
	if err != nil {
		if errors.Is(err, errReplied) {
			return nil
		}
		return err
	}
	defer s.doneAsking(m)
	if err := p.fits(m); err != nil {
		return err
	}
	return s.nextRecords(m, p)
}

// fits refuses a command that would accept what the client acknowledges itself, or wait for an acknowledgement that cannot
// come.
func (p *pop) fits(m *membership) error {
	id := m.Key.Identity
	switch {
	case p.accepts && m.Key.Ack == kafka.AckExplicit:
		return fmt.Errorf("%s acknowledges its records, and this reply names none: set sluice.ack to auto or none in the key, or use another name", id)
	case !p.accepts && m.Key.AckOfCommand:
		return fmt.Errorf("%s takes records with LPOP or its kind, which accept what was taken before: use another name for BLPOP", id)
	}
	return nil
}

// nextRecords replies with the next records, or with a null when there is none in time.
func (s *session) nextRecords(m *membership, p *pop) error {
	c := &s.consumer
	limit := p.limit
	if limit == 0 {
		limit = m.Key.Batch
	}
	for {
		lent, err := m.Member.Next(limit, s.opts.OutputLimit/2, c.lent[:0])
		c.lent = lent[:0]
		if err != nil {
			return err
		}
		if len(lent) > 0 {
			m.Fed = true
			p.reply(&s.out.Encoder, m.Key, lent)
			clear(lent)
			return nil
		}
		if done, err := s.waitOver(m, p); done {
			m.Member.StopWaiting()
			return err
		}
		if err := s.waitForClient(p.next()); err != nil {
			m.Member.StopWaiting()
			return endError{err}
		}
	}
}

const (
	joinTime  = 5 * time.Second       // how long LPOP waits for its group to be joined
	firstTime = time.Second           // and then for the first record
	popGap    = 25 * time.Millisecond // how often it looks meanwhile
)

// next is when to look again, without a wake.
func (p *pop) next() time.Time {
	if p.atOnce {
		return earlier(p.until, time.Now().Add(popGap))
	}
	return p.until
}

// over tells whether the time is over. The membership is nil before the session has joined. LPOP has all of its time until
// the group is joined, a moment for its first record, and none for later ones.
func (p *pop) over(m *membership) bool {
	now := time.Now()
	if p.atOnce && m != nil && !m.Member.Joining() {
		if m.Fed {
			return true
		}
		p.atOnce, p.until = false, earlier(p.until, now.Add(firstTime))
	}
	return !p.until.IsZero() && !now.Before(p.until)
}

// waitOver tells whether a wait is over without a record. It has replied then, or returns an error.
func (s *session) waitOver(m *membership, p *pop) (bool, error) {
	switch how := s.consumer.wait.Load(); {
	case how == unblockedError:
		return true, errUnblocked
	case s.server.drain.begun.Load():
		return true, errShutdown
	case how == unblockedTimeout, s.multi.executing, p.over(m):
		if m != nil { // no record could come if the group was never joined, because no broker answers
			if err := m.Member.Unreachable(); err != nil {
				return true, err
			}
			m.Fed = true
		}
		p.null(&s.out.Encoder)
		return true, nil
	}
	return false, nil
}

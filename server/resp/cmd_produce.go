package resp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp/entry"
)

// produceCommands put records into Kafka.
var produceCommands = []command{
	{"rpushx", -3, "PROD", write | hot, rpushx},
	{"lpushx", -3, "PROD", write | hot, rpushx},
	{"publish", 3, "PROD", write | hot, publish},
	{"rpush", -3, "PROD", write | hot | pipelines, rpush},
	{"lpush", -3, "PROD", write | hot | pipelines, deliver},
	{"xadd", -5, "ERR", write | hot | pipelines, xadd},
	{"dump", 2, "PROD", blocking, dump},
}

// errShutdown is what clients of Rafka retry on.
var errShutdown = errors.New("Server shutdown")

// rpushx answers RPUSHX and LPUSHX topics:<t>[:<key>] <value> ...: the records are queued in memory. The reply is their
// number.
func rpushx(s *session, args [][]byte) error {
	topic, key, err := s.destination(args[1])
	if err != nil {
		return err
	}
	if err := s.produce(s.producer.Buffer, topic, key, args[2]); err != nil {
		return err
	}
	for i, value := range args[3:] {
		if err := s.produce(s.producer.Buffer, topic, key, value); err != nil {
			return fmt.Errorf("%w (%d of %d values were taken before)", err, i+1, len(args)-2)
		}
	}
	s.out.Int(int64(len(args) - 2))
	return nil
}

// publish answers PUBLISH <topic> <value>: the record is queued in memory. Redis counts who has received it; here the topic
// has. A key of RPUSHX is taken, too.
func publish(s *session, args [][]byte) error {
	to := args[1]
	if !bytes.HasPrefix(to, topicsPrefix) && bytes.IndexByte(to, ':') < 0 {
		to = append(bytes.Clone(topicsPrefix), to...)
	}
	topic, key, err := s.destination(to)
	if err != nil {
		return err
	}
	if err := s.produce(s.producer.Buffer, topic, key, args[2]); err != nil {
		return err
	}
	s.out.Int(1)
	return nil
}

// rpush answers RPUSH: it produces like LPUSH, or settles records (see settlements).
func rpush(s *session, args [][]byte) error {
	settle := settlement(args[1])
	if settle == nil {
		return deliver(s, args)
	}
	if err := s.replyPending(true); err != nil {
		return endError{err}
	}
	if err := settle(s, args); err != nil {
		return consError(err)
	}
	return nil
}

// deliver answers LPUSH topics:<t>[:<key>] <value> ...: the reply is the number of values, once the brokers have them.
func deliver(s *session, args [][]byte) error {
	topic, key, err := s.destination(args[1])
	if err != nil {
		return s.afterPending(err)
	}
	p := pendingReply{command: s.run.command, since: time.Now()}
	for _, value := range args[2:] {
		if err := s.produce(s.producer.Deliver, topic, key, value); err != nil {
			if p.records == 0 {
				return s.afterPending(err)
			}
			p.err = fmt.Errorf("%w (%d of %d values were sent before)", err, p.records, len(args)-2)
			break
		}
		p.records++
	}
	return s.addPending(p)
}

// xadd answers XADD <topic> [options] *|<ms>-* <field> <value> ...: the reply is the record's id, once the brokers have it.
func xadd(s *session, args [][]byte) error {
	e := &s.producer.entry
	defer e.Release()
	if s.rejectsWork() {
		return s.afterPending(streamError(s.refuseWork()))
	}
	if err := e.Parse(args); err != nil {
		return s.afterPending(err)
	}
	if e.Existing {
		if missing, err := s.lacksTopic(string(e.Topic)); missing || err != nil {
			return s.afterPending(err)
		}
	}
	p := pendingReply{command: s.run.command, records: 1, since: time.Now(), hasID: true}
	send := func(topic, key, value []byte) error { return s.producer.SendPacked(topic, key, value, &e.Details) }
	if err := s.produce(send, e.Topic, e.Key, e.Value); err != nil {
		return s.afterPending(streamError(err))
	}
	return s.addPending(p)
}

// lacksTopic replies with a null if a topic does not exist. Brokers that create topics are not asked to.
func (s *session) lacksTopic(name string) (missing bool, err error) {
	names, err := s.topics()
	if err != nil {
		return false, err
	}
	if _, found := slices.BinarySearch(names, name); found {
		return false, nil
	}
	if err := s.replyPending(true); err != nil {
		return false, endError{err}
	}
	s.out.Null()
	return true, nil
}

// streamError gives an error of XADD the word that clients of Redis try again on, if the record is not written and may be
// sent again.
func streamError(err error) error {
	failure, is := errors.AsType[*kafka.ProduceError](err)
	if errors.Is(err, errShutdown) || is && failure.Outcome == kafka.Retry {
		return exactError("TRYAGAIN " + err.Error())
	}
	return err
}

// afterPending returns an error after the replies that come before it.
func (s *session) afterPending(err error) error {
	if end := s.replyPending(true); end != nil {
		return endError{end}
	}
	return err
}

// destination reads the key of a producing command.
func (s *session) destination(arg []byte) (topic, key []byte, err error) {
	if s.rejectsWork() {
		return nil, nil, s.refuseWork()
	}
	return protocol.ParseProduceKey(arg)
}

// produce hands a record over, and waits a bounded time for room.
func (s *session) produce(send func(topic, key, value []byte) error, topic, key, value []byte) error {
	if s.producer.Room() {
		if err := send(topic, key, value); !errors.Is(err, kafka.ErrFull) {
			return err
		}
	}
	return s.produceWithin(send, topic, key, value)
}

// produceWithin waits for room. The commands of one pipeline wait only once for each topic: otherwise each of them
// would wait for the whole time.
func (s *session) produceWithin(send func(topic, key, value []byte) error, topic, key, value []byte) error {
	until := time.Now()
	if s.producer.fullTopic != string(topic) {
		until = until.Add(s.opts.QueueTimeout)
	}
	again := func() error { return send(topic, key, value) }
	stayedFull, err := server.SendWithin(until, s.producer.Room, again, s.pauseOrEnd)
	if stayedFull {
		s.producer.fullTopic = string(topic)
		return kafka.StayedFull(string(topic), s.opts.QueueTimeout, err)
	}
	return err
}

// dump answers DUMP <ms>: it waits until the client's records are delivered. The reply is how many are not: those that
// are pending and those that failed since the last DUMP.
func dump(s *session, args [][]byte) error {
	wait, err := protocol.ParseMillis(args[1])
	if err != nil {
		return err
	}
	retry := server.Retry{Until: time.Now().Add(wait)}
	for !s.delivered() && !retry.Over() && !s.multi.executing {
		next := retry.Until
		if s.info.name != "" { // reports for other connections of the same name do not wake this one
			next = retry.Next()
		}
		if err := s.pauseOrEnd(next); err != nil {
			return err
		}
	}
	s.out.Int(int64(s.undelivered()))
	return nil
}

// delivered tells whether no record of the client is pending.
func (s *session) delivered() bool {
	all := s.producer.Drained(0)
	for _, other := range s.sameName() {
		all = all && other.producer.Pending() == 0
	}
	return all
}

// undelivered counts the records of the client that are pending, and those that failed since it was last called.
func (s *session) undelivered() int {
	n := s.producer.Pending() + s.producer.TakeFailed()
	for _, other := range s.sameName() {
		n += other.producer.Pending() + other.producer.TakeFailed()
	}
	return n
}

// sameName returns the other sessions with the connection's name: pools share one, and some clients send blocking
// commands on a connection of their own.
func (s *session) sameName() []*session {
	if s.info.name == "" {
		return nil
	}
	var list []*session
	for _, other := range s.server.sessions.all() {
		if other != s && other.info.isNamed(s.info.name) {
			list = append(list, other)
		}
	}
	return list
}

// pendingReply is the reply to a delivered produce that the brokers have not answered yet.
type pendingReply struct {
	command *command
	records int
	since   time.Time
	err     error // why a later record of the command was not even taken; nil when all were
	hasID   bool  // the reply is the id of the one record
}

// addPending puts off the reply to a command, but not inside EXEC.
func (s *session) addPending(p pendingReply) error {
	s.producer.pending = append(s.producer.pending, p)
	s.producer.added++
	if s.multi.executing {
		return endSession(s.replyPending(true))
	}
	return nil
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
	failure, ok := s.takeOutcome(p)
	if !ok && time.Since(p.since) >= s.opts.AckTimeout {
		s.producer.GiveUp(p.records, s.opts.AckTimeout)
		failure, ok = s.takeOutcome(p)
	}
	if ok {
		counts.add(s.server, p, failure != nil || p.err != nil)
		s.writeOutcome(p, failure)
	}
	return ok
}

// takeOutcome takes the first failure of a delivered produce whose reports are there; ok is false otherwise.
func (s *session) takeOutcome(p *pendingReply) (failure *kafka.ProduceError, ok bool) {
	if !p.hasID {
		return s.producer.Take(p.records)
	}
	if s.producer.written, ok = s.producer.Results(1, s.producer.written[:0]); !ok {
		return nil, false
	}
	return s.producer.written[0].Err, true
}

func (s *session) writeOutcome(p *pendingReply, failure *kafka.ProduceError) {
	switch {
	case p.hasID:
		s.writeID(p.command, failure)
	case failure != nil:
		s.out.Error("PROD " + failure.Error())
	case p.err != nil:
		s.out.Error("PROD " + p.err.Error())
	default:
		s.out.Int(int64(p.records))
	}
}

// writeID replies with the id of the record that was taken last, or says why it has none.
func (s *session) writeID(c *command, failure *kafka.ProduceError) {
	if failure != nil {
		s.out.Error(c.text(streamError(failure)))
		return
	}
	id, err := entry.IDOf(&s.producer.written[0])
	if err != nil {
		s.out.Error(c.text(err))
		return
	}
	var text [entry.MaxID]byte
	s.out.Bulk(id.Append(text[:0]))
}

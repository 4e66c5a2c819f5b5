package resp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
)

// produceCommands put records into Kafka.
var produceCommands = []command{
	{"rpushx", -3, "PROD", write | hot, rpushx},
	{"lpushx", -3, "PROD", write | hot, rpushx},
	{"publish", 3, "PROD", write | hot, publish},
	{"rpush", -3, "PROD", write | hot | pipelines, rpush},
	{"lpush", -3, "PROD", write | hot | pipelines, deliver},
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
	s.addPending(p)
	if s.multi.executing {
		return endSession(s.replyPending(true))
	}
	return nil
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

package resp

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
	"github.com/sluice-proxy/sluice/server"
)

// produceCommands put records into Kafka.
var produceCommands = []command{
	{"rpushx", 3, "PROD", write | hot, buffer},
	{"rpush", -3, "PROD", write | hot | pipelines, push},
	{"lpush", -3, "PROD", write | hot | pipelines, deliver},
	{"dump", 2, "PROD", blocking, dump},
}

// errShutdown is what clients of Rafka retry on.
var errShutdown = errors.New("Server shutdown")

// buffer answers RPUSHX topics:<t>[:<key>] <value>: the record is queued in memory.
func buffer(s *session, args [][]byte) error {
	topic, key, err := s.destination(args[1])
	if err != nil {
		return err
	}
	if err := s.publish(s.publisher.Buffer, topic, key, args[2]); err != nil {
		return err
	}
	s.out.Int(1)
	return nil
}

// pushes are the keys of RPUSH that are not topics: settlements of records.
var pushes = map[string]func(*session, [][]byte) error{
	"acks":     ack,
	"accepts":  accepts,
	"releases": releases,
	"rejects":  rejects,
	"renews":   renews,
}

// push answers RPUSH: a delivered produce, or the settlement of records.
func push(s *session, args [][]byte) error {
	settle := pushes[string(args[1])]
	if settle == nil {
		return deliver(s, args)
	}
	if err := s.settle(true); err != nil {
		return endError{err}
	}
	if err := settle(s, args); err != nil {
		return consError(err)
	}
	return nil
}

// deliver produces all values and owes the client their number, once the brokers have them.
func deliver(s *session, args [][]byte) error {
	topic, key, err := s.destination(args[1])
	if err != nil {
		return s.inTurn(err)
	}
	d := debt{command: s.tally.command, since: time.Now()}
	for _, value := range args[2:] {
		if err := s.publish(s.publisher.Deliver, topic, key, value); err != nil {
			if d.records == 0 {
				return s.inTurn(err)
			}
			d.err = fmt.Errorf("%w (%d of %d values were sent before)", err, d.records, len(args)-2)
			break
		}
		d.records++
	}
	s.debts = append(s.debts, d)
	s.incurred++
	if s.executing {
		return ending(s.settle(true))
	}
	return nil
}

// inTurn lets the answers before an error leave first.
func (s *session) inTurn(err error) error {
	if end := s.settle(true); end != nil {
		return endError{end}
	}
	return err
}

func ending(err error) error {
	if err != nil {
		return endError{err}
	}
	return nil
}

// destination checks the key of a producing command.
func (s *session) destination(arg []byte) (topic, key []byte, err error) {
	if s.refuses() {
		return nil, nil, errShutdown
	}
	return protocol.ParseProduceKey(arg)
}

// publish hands a record over, waiting a bounded time for room.
func (s *session) publish(produce func(topic, key, value []byte) error, topic, key, value []byte) error {
	if s.publisher.Room() {
		if err := produce(topic, key, value); !errors.Is(err, kafka.ErrFull) {
			return err
		}
	}
	return s.publishSlowly(produce, topic, key, value)
}

// publishSlowly waits for room. Commands of one pipeline wait only once for each topic: otherwise every record of the
// pipeline would wait.
func (s *session) publishSlowly(produce func(topic, key, value []byte) error, topic, key, value []byte) error {
	until := time.Now()
	if s.crowded != string(topic) {
		until = until.Add(s.opts.QueueTimeout)
	}
	send := func() error { return produce(topic, key, value) }
	stayedFull, err := server.SendWithin(until, s.publisher.Room, send, s.pauseOrEnd)
	if stayedFull {
		s.crowded = string(topic)
		return kafka.StayedFull(string(topic), s.opts.QueueTimeout, err)
	}
	return err
}

// pauseOrEnd is pause for handlers: its error ends the session.
func (s *session) pauseOrEnd(until time.Time) error { return ending(s.pause(until)) }

// dump answers DUMP <ms>: it waits until this client's records are delivered, and returns how many
// are not: those pending and those that failed since the last DUMP.
func dump(s *session, args [][]byte) error {
	wait, err := protocol.ParseMillis(args[1])
	if err != nil {
		return err
	}
	retry := server.Retry{Until: time.Now().Add(wait)}
	for !s.delivered() && !retry.Over() && !s.executing {
		next := retry.Until
		if s.named { // other connections of the same name wake only themselves
			next = retry.Next()
		}
		if err := s.pauseOrEnd(next); err != nil {
			return err
		}
	}
	s.out.Int(int64(s.undelivered()))
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// delivered tells whether nothing of this client is pending.
func (s *session) delivered() bool {
	all := s.publisher.Drained(0)
	for _, other := range s.namesakes() {
		all = all && other.publisher.Pending() == 0
	}
	return all
}

// undelivered counts what this client's connections have pending, and what failed since last asked.
func (s *session) undelivered() int {
	n := s.publisher.Pending() + s.publisher.TakeFailed()
	for _, other := range s.namesakes() {
		n += other.publisher.Pending() + other.publisher.TakeFailed()
	}
	return n
}

// namesakes are the other connections of the same identity: some clients send blocking commands on a
// connection of their own.
func (s *session) namesakes() []*session {
	if !s.named {
		return nil
	}
	var list []*session
	for _, other := range s.server.all() {
		if other != s && other.isCalled(s.identity.String()) {
			list = append(list, other)
		}
	}
	return list
}

func (s *session) isCalled(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name == name
}

package resp

import (
	"errors"
	"fmt"

	"github.com/sluice-proxy/sluice/protocol"
)

// multiCommands queue commands and run them one after the other: several clients pipeline inside MULTI by default.
// Nothing is rolled back, neither here nor in Redis.
var multiCommands = []command{
	{"multi", 1, "ERR", immediate, multi},
	{"exec", 1, "ERR", immediate, exec},
	{"discard", 1, "ERR", immediate, discard},
	{"watch", -2, "ERR", immediate, watch},
	{"unwatch", 1, "ERR", 0, unwatch},
}

// Redis' own words (multi.c).
var (
	errNested       = errors.New("MULTI calls can not be nested")
	errExecAlone    = errors.New("EXEC without MULTI")
	errDiscardAlone = errors.New("DISCARD without MULTI")
	errWatchInside  = errors.New("WATCH inside MULTI is not allowed")
)

const errAborted = exactError("EXECABORT Transaction discarded because of previous errors.")

// multiState is where a session stands in a transaction.
type multiState struct {
	queue     *transaction // between MULTI and EXEC, otherwise nil
	executing bool         // inside EXEC: no command waits
}

// transaction is what was queued since MULTI.
type transaction struct {
	commands [][][]byte
	bytes    int
	spoiled  bool // an error while queueing: EXEC will do nothing
}

// Bounds of a transaction: sluice keeps its commands in memory before it runs any of them.
const (
	maxQueued      = 1024    // commands
	maxQueuedBytes = 4 << 20 // of their arguments
	argOverhead    = 24      // bytes of a slice
)

// add queues a command. The arguments are copied, because the next command overwrites them.
func (t *transaction) add(args [][]byte, out *protocol.Encoder) {
	if err := t.queue(args); err != nil {
		t.spoiled, t.commands = true, nil
		out.Error(err.Error())
		return
	}
	out.Simple("QUEUED")
}

func (t *transaction) queue(args [][]byte) error {
	if _, err := findSubcommand(args); err != nil {
		return err
	}
	if t.spoiled {
		return nil
	}
	size := 0
	for _, arg := range args {
		size += len(arg) + argOverhead
	}
	if len(t.commands) >= maxQueued || t.bytes+size > maxQueuedBytes {
		return exactError(fmt.Sprintf("ERR a transaction cannot hold more than %d commands or %d bytes", maxQueued, maxQueuedBytes))
	}
	t.bytes += size
	t.commands = append(t.commands, deepCopy(args))
	return nil
}

// deepCopy copies the arguments with two allocations.
func deepCopy(args [][]byte) [][]byte {
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	flat, list := make([]byte, 0, size), make([][]byte, len(args))
	for i, arg := range args {
		start := len(flat)
		flat = append(flat, arg...)
		list[i] = flat[start:len(flat):len(flat)]
	}
	return list
}

func multi(s *session, _ [][]byte) error {
	if s.multi.queue != nil {
		return errNested
	}
	s.multi.queue = &transaction{}
	s.info.change(func(i *clientInfo) { i.flags.multi = true })
	s.out.OK()
	return nil
}

// takeQueue ends the transaction; nil when there is none.
func (s *session) takeQueue() *transaction {
	t := s.multi.queue
	s.multi.queue = nil
	s.info.change(func(i *clientInfo) { i.flags.multi = false })
	return t
}

func discard(s *session, _ [][]byte) error {
	if s.takeQueue() == nil {
		return errDiscardAlone
	}
	s.out.OK()
	return nil
}

// watch answers WATCH. There is nothing to watch: no key changes behind a client's back.
func watch(s *session, _ [][]byte) error {
	if s.multi.queue != nil {
		return errWatchInside
	}
	s.out.OK()
	return nil
}

func unwatch(s *session, _ [][]byte) error {
	s.out.OK()
	return nil
}

// exec answers EXEC: it runs the commands that were queued, and its reply is the array of their replies. None of them
// waits for records.
func exec(s *session, _ [][]byte) error {
	t := s.takeQueue()
	switch {
	case t == nil:
		return errExecAlone
	case t.spoiled:
		return errAborted
	}
	s.multi.executing = true
	defer func() { s.multi.executing = false }()
	s.out.Array(len(t.commands))
	for _, args := range t.commands {
		if err := s.runQueued(args); err != nil {
			return endError{err}
		}
	}
	return nil
}

// runQueued runs a command of a transaction. It sends replies before too many are in memory.
func (s *session) runQueued(args [][]byte) error {
	c := find(args[0])
	s.countStart(c)
	if err := s.perform(c, args); err != nil {
		return err
	}
	if s.out.Len() < flushAt {
		return nil
	}
	return s.flush()
}

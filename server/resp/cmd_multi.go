package resp

import (
	"errors"
	"fmt"

	"github.com/sluice-proxy/sluice/protocol"
)

// transactionCommands queue commands and run them one after the other: several clients pipeline
// inside MULTI by default. Nothing is rolled back, in Redis neither.
var transactionCommands = []command{
	{"multi", 1, "ERR", immediate, multi},
	{"exec", 1, "ERR", immediate, exec},
	{"discard", 1, "ERR", immediate, discard},
	{"watch", -2, "ERR", immediate, watch},
	{"unwatch", 1, "ERR", 0, ok},
}

// Redis' own words (multi.c).
var (
	errNested       = errors.New("MULTI calls can not be nested")
	errExecAlone    = errors.New("EXEC without MULTI")
	errDiscardAlone = errors.New("DISCARD without MULTI")
	errWatchInside  = errors.New("WATCH inside MULTI is not allowed")
)

const errAborted = exactError("EXECABORT Transaction discarded because of previous errors.")

// transaction is what was queued since MULTI.
type transaction struct {
	commands [][][]byte
	bytes    int
	spoiled  bool // an error while queueing: EXEC will do nothing
}

// Bounds of a transaction: what a client makes us keep before anything is done about it.
const (
	maxQueued      = 1024
	maxQueuedBytes = 4 << 20
	argOverhead    = 24 // bytes of a slice
)

// add queues a command, whose arguments are about to be overwritten.
func (t *transaction) add(args [][]byte, out *protocol.Encoder) {
	if err := t.accept(args); err != nil {
		t.spoiled, t.commands = true, nil
		out.Error(err.Error())
		return
	}
	out.Simple("QUEUED")
}

func (t *transaction) accept(args [][]byte) error {
	if _, err := findWithin(args); err != nil {
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
	if s.queue != nil {
		return errNested
	}
	s.queue = &transaction{}
	s.show(func(v *visible) { v.multi = true })
	s.out.OK()
	return nil
}

// takeQueue ends the transaction.
func (s *session) takeQueue() *transaction {
	t := s.queue
	s.queue = nil
	s.show(func(v *visible) { v.multi = false })
	return t
}

func discard(s *session, _ [][]byte) error {
	if s.takeQueue() == nil {
		return errDiscardAlone
	}
	s.out.OK()
	return nil
}

// watch has nothing to watch: no key changes behind a client's back.
func watch(s *session, _ [][]byte) error {
	if s.queue != nil {
		return errWatchInside
	}
	s.out.OK()
	return nil
}

func ok(s *session, _ [][]byte) error {
	s.out.OK()
	return nil
}

// exec runs what was queued; its reply is the array of theirs. Nothing in it waits for records.
func exec(s *session, _ [][]byte) error {
	t := s.takeQueue()
	switch {
	case t == nil:
		return errExecAlone
	case t.spoiled:
		return errAborted
	}
	s.executing = true
	defer func() { s.executing = false }()
	s.out.Array(len(t.commands))
	for _, args := range t.commands {
		if err := s.runQueued(args); err != nil {
			return endError{err}
		}
	}
	return nil
}

// runQueued runs a command of a transaction, and sends replies before too many pile up.
func (s *session) runQueued(args [][]byte) error {
	c := find(args[0])
	s.begin(c)
	if err := s.perform(c, args); err != nil {
		return err
	}
	if s.out.Len() < flushAt {
		return nil
	}
	return s.flush()
}

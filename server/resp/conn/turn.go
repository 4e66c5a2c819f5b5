package conn

import (
	"syscall"

	"github.com/sluice-proxy/sluice/protocol"
)

// turn is what a connection knows about its turns: from one read to the next.
type turn struct {
	before  int64 // turns of all connections at the end of the last one
	spins   bool  // the next read spins
	unslept int   // reads in a row that found something at once
}

// EndTurn comes before Fill, when a session has done everything that it has read. pipelined says that the client sends
// many commands at once, and that nothing else is waited for.
func (c *Conn) EndTurn(all *Turns, pipelined bool) {
	others := all.othersSince(&c.turn.before)
	c.turn.spins = others == 0 && pipelined
	yieldTo(others)
}

// read reads once, and once more as long as it spins.
func (t *turn) read(fd uintptr, into *protocol.Reader) (n int, err error) {
	if t.unslept++; t.unslept%observedEvery == 0 {
		n, err = readObserved(fd, into.Space())
	} else {
		n, err = readOnce(fd, into.Space())
	}
	if t.spins {
		t.spins = false
		n, err = spin(fd, into, n, err)
	}
	if err == syscall.EAGAIN { //nolint:errorlint // an Errno, never wrapped
		t.unslept = 0
	}
	return n, err
}

// readObserved reads once with a call that Go's scheduler observes.
func readObserved(fd uintptr, b []byte) (n int, err error) {
	for err = syscall.EINTR; err == syscall.EINTR; {
		n, err = syscall.Read(int(fd), b)
	}
	return n, err
}

package resp

import (
	"strconv"
	"time"
)

// serverCommands are about the proxy: what it is, what it does, and which topics there are.
var serverCommands = []command{
	{"info", -1, "ERR", 0, info},
	{"command", -1, "ERR", 0, describeCommands},
	{"config", -2, "ERR", 0, within},
	{"time", 1, "ERR", 0, clock},
	{"role", 1, "ERR", 0, role},
	{"monitor", 1, "ERR", 0, watchCommands},
	{"keys", 2, "ERR", 0, keys},
	{"scan", -2, "ERR", 0, scan},
	{"type", 2, "ERR", 0, typeOf},
	{"exists", -2, "ERR", 0, exists},
	{"hgetall", 2, "ERR", 0, getHash},
	{"del", -2, "ERR", write, del},
}

// clock answers TIME: seconds and the microseconds of the second.
func clock(s *session, _ [][]byte) error {
	now := time.Now()
	s.out.Array(2)
	s.out.BulkString(strconv.FormatInt(now.Unix(), 10))
	s.out.BulkString(strconv.Itoa(now.Nanosecond() / 1000))
	return nil
}

// role answers ROLE: a master that replicated nothing to nobody.
func role(s *session, _ [][]byte) error {
	s.out.Array(3)
	s.out.BulkString("master")
	s.out.Int(0)
	s.out.Array(0)
	return nil
}

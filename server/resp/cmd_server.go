package resp

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-proxy/sluice/server/resp/monitor"
)

// serverCommands are about the server: what it is and what it does.
var serverCommands = []command{
	{"command", -1, "ERR", 0, commandAlone},
	{"config", -2, "ERR", 0, runSubcommand},
	{"time", 1, "ERR", 0, serverTime},
	{"role", 1, "ERR", 0, role},
	{"monitor", 1, "ERR", 0, startMonitor},
}

// serverTime answers TIME: seconds, and the microseconds of the second.
func serverTime(s *session, _ [][]byte) error {
	now := time.Now()
	s.out.Array(2)
	s.out.BulkString(strconv.FormatInt(now.Unix(), 10))
	s.out.BulkString(strconv.Itoa(now.Nanosecond() / 1000))
	return nil
}

// role answers ROLE: a master without replicas.
func role(s *session, _ [][]byte) error {
	s.out.Array(3)
	s.out.BulkString("master")
	s.out.Int(0)
	s.out.Array(0)
	return nil
}

var (
	errNoMonitor = errors.New("MONITOR isn't allowed for DENY BLOCKING client")
	errMonitors  = fmt.Errorf("%d clients run MONITOR already, and more may not", monitor.Max)
)

// startMonitor answers MONITOR: from now on, the client gets a line for each command of any client.
func startMonitor(s *session, _ [][]byte) error {
	if s.multi.executing {
		return errNoMonitor
	}
	if s.monitor == nil {
		if s.monitor = s.server.monitors.Add(s.conn.Wake, s.kill); s.monitor == nil {
			return errMonitors
		}
		s.info.change(func(i *clientInfo) { i.flags.monitor = true })
	}
	s.out.OK()
	return nil
}

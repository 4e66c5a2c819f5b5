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
	{"wait", 3, "ERR", 0, wait},
	{"slowlog", -2, "ERR", 0, runSubcommand},
	{"latency", -2, "ERR", 0, runSubcommand},
	{"module", -2, "ERR", 0, runSubcommand},
	{"memory", -2, "ERR", 0, runSubcommand},
	{"acl", -2, "ERR", 0, runSubcommand},
}

// toolCommands are the subcommands that tools of Redis ask of any server. There is nothing of the kind here.
var toolCommands = []command{
	{"slowlog|get", -2, "ERR", 0, replyEmpty},
	{"slowlog|help", 2, "ERR", 0, help},
	{"slowlog|len", 2, "ERR", 0, replyZero},
	{"slowlog|reset", 2, "ERR", 0, replyOK},
	{"latency|help", 2, "ERR", 0, help},
	{"latency|history", 3, "ERR", 0, replyEmpty},
	{"latency|latest", 2, "ERR", 0, replyEmpty},
	{"latency|reset", -2, "ERR", 0, replyZero},
	{"module|help", 2, "ERR", 0, help},
	{"module|list", 2, "ERR", 0, replyEmpty},
	{"memory|help", 2, "ERR", 0, help},
	{"memory|usage", -3, "ERR", 0, replyNull},
	{"acl|help", 2, "ERR", 0, help},
	{"acl|whoami", 2, "ERR", 0, whoAmI},
}

func replyEmpty(s *session, _ [][]byte) error {
	s.out.Array(0)
	return nil
}

func replyZero(s *session, _ [][]byte) error {
	s.out.Int(0)
	return nil
}

func replyOK(s *session, _ [][]byte) error {
	s.out.OK()
	return nil
}

func replyNull(s *session, _ [][]byte) error {
	s.out.Null()
	return nil
}

func whoAmI(s *session, _ [][]byte) error {
	s.out.Bulk(defaultUser)
	return nil
}

// wait answers WAIT <replicas> <milliseconds>: no replica of this server has anything, and the brokers' replicas have what
// RPUSH has answered.
func wait(s *session, args [][]byte) error {
	for _, arg := range args[1:] {
		if _, err := parseInt(arg); err != nil {
			return err
		}
	}
	s.out.Int(0)
	return nil
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

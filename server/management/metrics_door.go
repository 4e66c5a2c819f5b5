package management

import (
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// The doors as labels.
const (
	redisDoor = "resp"
	httpDoor  = "http"
)

var doorMetrics = []metric{
	perDoor("sluice_connections", gauge, "Connections that are open.",
		func(d *resp.Stats) int64 { return int64(d.Connections) },
		func(d *rest.Stats) int64 { return int64(d.Connections) }),
	perDoor("sluice_connections_accepted_total", counter, "Connections that were let in.",
		func(d *resp.Stats) int64 { return d.Accepted },
		func(d *rest.Stats) int64 { return d.Accepted }),
	{
		"sluice_connections_rejected_total", counter, labels("listener", "reason"),
		"Connections that were turned away. max_clients: resp.max_clients were open.",
		func(s *snapshot, out *series) {
			if s.door != nil {
				out.add(float64(s.door.Refused), redisDoor, "max_clients")
			}
		},
	},
	{
		"sluice_client_closed_total", counter, labels("listener", "reason"),
		"Connections that ended, by what ended them. client: it hung up. quit: QUIT. killed: CLIENT KILL. drain: sluice stops. " +
			"slow_command, slow_reader: it took too long to send, to read. slow_monitor: lines of MONITOR waited for it, more than 1 MiB or 16 MiB in all. auth: it did not authenticate. protocol, http: it did not speak Redis.",
		func(s *snapshot, out *series) {
			if s.door == nil {
				return
			}
			for _, closed := range s.door.Closed {
				out.add(float64(closed.N), redisDoor, closed.Reason)
			}
		},
	},
	perDoor("sluice_auth_failures_total", counter, "Wrong passwords; over HTTP also none.",
		func(d *resp.Stats) int64 { return d.AuthFailures },
		func(d *rest.Stats) int64 { return d.AuthFailures }),
	{
		"sluice_commands_total", counter, labels("command", "result"),
		"Commands that were answered, ok or with an error; only those that were ever called. unknown: there is no such command.",
		func(s *snapshot, out *series) {
			for _, c := range s.commands() {
				out.add(float64(c.OK), c.Name, "ok")
				out.add(float64(c.Failed), c.Name, "error")
			}
		},
	},
	{
		"sluice_command_duration_seconds", histogram, labels("command"),
		"Time from a command's arrival to its answer. BLPOP waits for records, RPUSH for the brokers. Commands of a pipeline that are answered together count alike.",
		func(s *snapshot, out *series) {
			for _, c := range s.commands() {
				out.observe(c.Latency, c.Name)
			}
		},
	},
}

// perDoor is a metric with one number for each open door.
func perDoor(name string, k kind, help string, redis func(*resp.Stats) int64, web func(*rest.Stats) int64) metric {
	return metric{name, k, labels("listener"), help, func(s *snapshot, out *series) {
		if s.door != nil {
			out.add(float64(redis(s.door)), redisDoor)
		}
		if s.web != nil {
			out.add(float64(web(s.web)), httpDoor)
		}
	}}
}

// commands are the commands that were ever called.
func (s *snapshot) commands() []resp.CommandStat {
	if s.door == nil {
		return nil
	}
	return s.door.Commands
}

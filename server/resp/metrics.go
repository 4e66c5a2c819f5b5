package resp

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sluice-proxy/sluice/metrics"
)

// Stats is what the door counted since it opened.
type Stats struct {
	Connections  int           // open now
	Accepted     int64         // connections accepted
	Refused      int64         // of these, turned away because of MaxClients
	AuthFailures int64         // wrong passwords
	Closed       []Closed      // connections that ended, by reason
	Commands     []CommandStat // those that were ever called
}

// Closed is how many connections ended for a reason.
type Closed struct {
	Reason string
	N      int64
}

// CommandStat is what became of a command's calls: OK, or Failed, whose reply was an error.
// Latency goes from the arrival of the command's bytes to its reply; commands of one pipeline that
// run together all count the time until the last of them is done, as they leave together.
type CommandStat struct {
	Name       string
	OK, Failed int64
	Latency    metrics.Distribution
}

// Stats reads the counters.
func (s *Server) Stats() Stats {
	now := Stats{Accepted: s.accepted.Load(), Refused: s.refused.Load(), AuthFailures: s.unauthentic.Load()}
	s.mu.Lock()
	now.Connections = len(s.sessions)
	s.mu.Unlock()
	for i := range reasons {
		now.Closed = append(now.Closed, Closed{reasons[i].name, s.closed[i].Load()})
	}
	now.Commands = metrics.Rows(s.meters, commandStat, func(a, b CommandStat) int { return cmp.Compare(a.Name, b.Name) })
	return now
}

// How the call of a command ends.
const (
	callOK = iota
	callFailed
)

// countCalls counts n calls that took so long each; some of them failed.
func countCalls(m *metrics.Meter, n, failed int64, took time.Duration) {
	m.Took(took, n)
	m.Count(callOK, n-failed)
	m.Count(callFailed, failed)
}

// newMeters makes a meter for each command, and one at nil for what is no command.
func newMeters() metrics.Meters[*command] {
	return metrics.NewMeters(append(slices.Collect(maps.Values(commands)), nil)...)
}

func commandStat(c *command, r metrics.Reading) CommandStat {
	name := "unknown"
	if c != nil {
		name = c.name
	}
	return CommandStat{Name: name, OK: r.Ended[callOK], Failed: r.Ended[callFailed], Latency: r.Latency}
}

// tally is a run of calls of the same command by one session, not yet in the command's meter: with
// fifty busy sessions a shared counter for each call would cost more than the call.
type tally struct {
	command   *command
	n, failed int64
	since     time.Time // when their bytes came
}

// begin notes that a call of the command begins.
func (s *session) begin(c *command) {
	if c != s.tally.command {
		s.enter(time.Now())
		s.tally.command = c
	}
}

// count notes that a call is answered. Others may have begun since it did: those that EXEC runs.
func (s *session) count(c *command, failed bool) {
	s.begin(c)
	s.tally.n++
	s.tally.failed += boolInt(failed)
}

// enter moves the tally into the meter; what comes next began now.
func (s *session) enter(now time.Time) {
	t := &s.tally
	if t.n == 0 {
		t.since = now
		return
	}
	m := s.server.meters[t.command]
	countCalls(m, t.n, t.failed, now.Sub(t.since))
	*t = tally{since: now}
}

// countDebt notes a delivered produce that is answered at last.
func (s *session) countDebt(d *debt, failed bool) {
	countCalls(s.server.meters[d.command], 1, boolInt(failed), time.Since(d.since))
}

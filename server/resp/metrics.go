package resp

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/metrics"
)

// Stats is what the server counted since it opened.
type Stats struct {
	Connections  int           // open now
	Accepted     int64         // connections that became sessions
	Refused      int64         // connections turned away because of MaxClients
	AuthFailures int64         // wrong passwords
	Closed       []Closed      // connections that ended, by reason
	Commands     []CommandStat // those that were ever called
}

// Closed is how many connections ended for a reason.
type Closed struct {
	Reason string
	N      int64
}

// CommandStat is how the calls of a command ended: Failed are those whose reply was an error. Latency goes from the
// arrival of the command's bytes to its reply. Commands of one pipeline that run together leave together: each of them
// counts the time until the last one is done.
type CommandStat struct {
	Name       string
	OK, Failed int64
	Latency    metrics.Distribution
}

// counters are what all sessions of a server count together. A session adds to them once a turn and not once a command.
// With fifty busy sessions, a shared counter for each call would cost more than the call.
type counters struct {
	meters       metrics.Meters[*command] // at nil: of commands that do not exist
	started      atomic.Int64             // commands that sessions began to run
	refused      atomic.Int64             // connections over MaxClients
	authFailures atomic.Int64
	ended        [len(endReasons)]atomic.Int64
}

func newCounters() counters {
	return counters{meters: metrics.NewMeters(append(slices.Collect(maps.Values(commands)), nil)...)}
}

// Stats reads the counters.
func (s *Server) Stats() Stats {
	c := &s.counters
	now := Stats{
		Connections: s.sessions.count(), Accepted: s.sessions.accepted.Load(),
		Refused: c.refused.Load(), AuthFailures: c.authFailures.Load(),
	}
	for i := range endReasons {
		now.Closed = append(now.Closed, Closed{endReasons[i].name, c.ended[i].Load()})
	}
	now.Commands = metrics.Rows(c.meters, commandStat, func(a, b CommandStat) int { return cmp.Compare(a.Name, b.Name) })
	return now
}

// How the call of a command ends.
const (
	callOK = iota
	callFailed
)

func commandStat(c *command, r metrics.Reading) CommandStat {
	name := "unknown"
	if c != nil {
		name = c.name
	}
	return CommandStat{Name: name, OK: r.Ended[callOK], Failed: r.Ended[callFailed], Latency: r.Latency}
}

// commandRun are calls of one command in a row by a session. They are not in the server's counters yet.
type commandRun struct {
	command   *command
	n, failed int64
	since     time.Time // when the bytes of the calls came
	started   int64     // commands of any name that the session began to run
	last      *command  // the last of them, until CLIENT LIST shows it
}

// countStart notes that a call of the command begins.
func (s *session) countStart(c *command) {
	if c != s.run.command {
		s.flushRun(time.Now())
		s.run.command = c
	}
}

// count notes that a call has its reply. Other calls may have begun meanwhile: those that EXEC runs.
func (s *session) count(c *command, failed bool) {
	s.countStart(c)
	s.run.n++
	s.run.failed += boolInt(failed)
}

// flushRun adds the run to the server's counters. The next one begins now.
func (s *session) flushRun(now time.Time) {
	r := &s.run
	if r.n > 0 {
		m := s.server.counters.meters[r.command]
		m.Took(now.Sub(r.since), r.n)
		m.Count(callOK, r.n-r.failed)
		m.Count(callFailed, r.failed)
		r.command, r.n, r.failed = nil, 0, 0
	}
	r.since = now
}

// flushStarted adds the commands that the session began to run to the server's counter.
func (s *session) flushStarted() {
	s.showLast()
	if s.run.started > 0 {
		s.server.counters.started.Add(s.run.started)
		s.run.started = 0
	}
}

// flushCounts adds all that the session has counted to the server's counters.
func (s *session) flushCounts(now time.Time) {
	s.flushRun(now)
	s.flushStarted()
}

// replyCounts are pending replies of one command in a row. They are not in the server's counters yet.
type replyCounts struct {
	command *command
	n       int64
	batch   metrics.Batch
}

// add counts a pending reply that was written.
func (r *replyCounts) add(server *Server, p *pendingReply, failed bool) {
	if p.command != r.command {
		r.flush(server)
		r.command = p.command
	}
	ending := callOK
	if failed {
		ending = callFailed
	}
	r.n++
	r.batch.Add(ending, time.Since(p.since))
}

// flush adds the replies to the server's counters.
func (r *replyCounts) flush(server *Server) {
	if r.n > 0 {
		server.counters.meters[r.command].AddBatch(&r.batch)
		*r = replyCounts{}
	}
}

package rest

import (
	"cmp"
	"strings"
	"time"

	"github.com/sluice-proxy/sluice/metrics"
)

// Stats is what the door counted since it opened.
type Stats struct {
	Connections int   // open now
	Accepted    int64 // connections accepted
	Requests    int64 // being answered now
	Waiting     int64 // that wait for records now, streams among them
	Held        int64 // bytes of their bodies

	Instances      int              // consumer instances that there are
	InstancesEnded map[string]int64 // by how: deleted, expired, replaced, stopped

	AuthFailures int64 // requests without the password
	Routes       []RouteStat
}

// RouteStat is what became of the requests of a route. Latency goes from the end of their headers to the
// answer.
type RouteStat struct {
	// Method and Pattern name the route; both are empty for requests that none takes.
	Method, Pattern string
	// Classes counts the answers by the first digit of their status; 0 is for clients that went away.
	Classes [metrics.Endings]int64
	Latency metrics.Distribution
}

// Stats reads the counters. Routes that were never asked for are left out.
func (s *Server) Stats() Stats {
	now := Stats{Requests: s.asking.Load(), Waiting: s.waiting.Load(), Held: s.held.Load(), AuthFailures: s.unauthentic.Load()}
	now.Connections, now.Accepted = s.conns.Count()
	now.Instances, now.InstancesEnded = s.instances.count()
	now.Routes = metrics.Rows(s.meters, routeStat, func(a, b RouteStat) int {
		return cmp.Or(cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Method, b.Method))
	})
	return now
}

// newMeters makes a meter for each route, and one at nil for requests that no route takes.
func newMeters() metrics.Meters[*route] {
	meters := metrics.NewMeters[*route](nil)
	for i := range routes {
		meters[&routes[i]] = &metrics.Meter{}
	}
	return meters
}

// countAnswer counts an answer by the first digit of its status.
func countAnswer(m *metrics.Meter, status int, took time.Duration) {
	m.Count(min(status/100, metrics.Endings-1), 1)
	m.Took(took, 1)
}

func routeStat(r *route, read metrics.Reading) RouteStat {
	stat := RouteStat{Classes: read.Ended, Latency: read.Latency}
	if r != nil {
		stat.Method, stat.Pattern = r.method, strings.TrimSuffix(r.pattern, "{$}")
	}
	return stat
}

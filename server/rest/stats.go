package rest

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
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
	Classes [6]int64
	Latency kafka.Distribution
}

// Stats reads the counters. Routes that were never asked for are left out.
func (s *Server) Stats() Stats {
	now := Stats{Requests: s.asking.Load(), Waiting: s.waiting.Load(), Held: s.held.Load(), AuthFailures: s.unauthentic.Load()}
	now.Connections, now.Accepted = s.conns.count()
	now.Instances, now.InstancesEnded = s.instances.count()
	for r, m := range s.meters {
		if stat, any := m.read(r); any {
			now.Routes = append(now.Routes, stat)
		}
	}
	slices.SortFunc(now.Routes, func(a, b RouteStat) int {
		return cmp.Or(cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Method, b.Method))
	})
	return now
}

// meter counts the requests of one route.
type meter struct {
	classes [6]atomic.Int64
	latency kafka.Histogram
}

func newMeters() map[*route]*meter {
	meters := map[*route]*meter{nil: {}}
	for i := range routes {
		meters[&routes[i]] = &meter{}
	}
	return meters
}

func (m *meter) add(status int, took time.Duration) {
	m.classes[min(status/100, 5)].Add(1)
	m.latency.Observe(took, 1)
}

func (m *meter) read(r *route) (stat RouteStat, any bool) {
	if r != nil {
		stat.Method, stat.Pattern = r.method, strings.TrimSuffix(r.pattern, "{$}")
	}
	for i := range m.classes {
		stat.Classes[i] = m.classes[i].Load()
		any = any || stat.Classes[i] > 0
	}
	stat.Latency = m.latency.Read()
	return stat, any
}

package rest

import (
	"cmp"

	"github.com/sluice-proxy/sluice/metrics"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// Stats is what the door counted since it opened.
type Stats struct {
	Connections int   // open now
	Accepted    int64 // connections accepted
	Requests    int64 // being answered now
	Waiting     int64 // waiting for records now, streams included
	Held        int64 // bytes of request bodies

	Instances      int              // consumer instances now
	InstancesEnded map[string]int64 // by reason: deleted, expired, replaced, stopped

	AuthFailures int64 // requests without the password
	Routes       []RouteStat
}

// RouteStat counts the requests of one route. Latency goes from the end of the request's header to the answer.
type RouteStat struct {
	// Method and Pattern name the route; both are empty for requests that none takes.
	Method, Pattern string
	// Classes counts the answers by the first digit of their status; 0 is for clients that went away.
	Classes [metrics.Endings]int64
	Latency metrics.Distribution
}

// Stats reads the counters. Routes that were never asked for are left out.
func (s *Server) Stats() Stats {
	now := Stats{
		Requests: s.service.Answering.Load(), Waiting: s.service.Waiting.Load(), Held: s.service.Held.Load(),
		AuthFailures: s.authFailures.Load(),
	}
	now.Connections, now.Accepted = s.conns.Count()
	now.Instances, now.InstancesEnded = s.V2.Counts()
	now.Routes = metrics.Rows(s.service.Meters, routeStat, func(a, b RouteStat) int {
		return cmp.Or(cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Method, b.Method))
	})
	return now
}

func routeStat(r *exchange.Route, read metrics.Reading) RouteStat {
	stat := RouteStat{Classes: read.Ended, Latency: read.Latency}
	if r != nil {
		stat.Method, stat.Pattern = r.Method, r.Name()
	}
	return stat
}

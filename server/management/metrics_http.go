package management

import (
	"cmp"
	"strconv"

	"github.com/sluice-proxy/sluice/server/rest"
)

var httpMetrics = []metric{
	{
		"sluice_http_requests_total", counter, labels("method", "route", "status"),
		"Requests that were answered, by the first digit of the status: 2xx, 4xx, 5xx; gone: the client went away before. " +
			"Only those that were ever asked for. (other): there is no such route, or the request was refused before it was looked for.",
		func(s *snapshot, out *series) {
			for _, r := range s.routes() {
				for class, n := range r.Classes {
					if n > 0 {
						out.add(float64(n), cmp.Or(r.Method, other), cmp.Or(r.Pattern, other), classes[class])
					}
				}
			}
		},
	},
	{
		"sluice_http_request_duration_seconds", histogram, labels("method", "route"),
		"Time from the end of a request's header to its answer. A produce waits for the brokers.",
		func(s *snapshot, out *series) {
			for _, r := range s.routes() {
				out.observe(r.Latency, cmp.Or(r.Method, other), cmp.Or(r.Pattern, other))
			}
		},
	},
	{
		"sluice_http_requests_inflight", gauge, nil, "Requests that are being answered; http.max_requests bounds them.",
		func(s *snapshot, out *series) {
			if s.web != nil {
				out.add(float64(s.web.Requests))
			}
		},
	},
	{
		"sluice_http_waiting", gauge, nil, "Requests that wait for records, streams among them; http.max_waiting bounds them.",
		func(s *snapshot, out *series) {
			if s.web != nil {
				out.add(float64(s.web.Waiting))
			}
		},
	},
	{
		"sluice_http_instances", gauge, nil, "Consumer instances, as REST v2 has them.",
		func(s *snapshot, out *series) {
			if s.web != nil {
				out.add(float64(s.web.Instances))
			}
		},
	},
	{
		"sluice_http_instances_ended_total", counter, labels("how"),
		"Consumer instances that ended: deleted by their client, expired, replaced by one of the same name, stopped with sluice.",
		func(s *snapshot, out *series) {
			if s.web != nil {
				for how, n := range s.web.InstancesEnded {
					out.add(float64(n), how)
				}
			}
		},
	},
	{
		"sluice_http_held_bytes", gauge, nil, "Bodies of requests in memory; http.max_held bounds them.",
		func(s *snapshot, out *series) {
			if s.web != nil {
				out.add(float64(s.web.Held))
			}
		},
	},
}

// classes are the words for the first digits of statuses.
var classes = func() (words [6]string) {
	words[0] = "gone"
	for i := 1; i < len(words); i++ {
		words[i] = strconv.Itoa(i) + "xx"
	}
	return words
}()

// routes are the routes that were ever requested.
func (s *snapshot) routes() []rest.RouteStat {
	if s.web == nil {
		return nil
	}
	return s.web.Routes
}

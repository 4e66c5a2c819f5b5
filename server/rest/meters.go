package rest

import (
	"time"

	"github.com/sluice-proxy/sluice/metrics"
)

// countRoutes makes a meter for each route. The meter at nil counts requests that no route takes.
func (s *service) countRoutes(routes []route) {
	for i := range routes {
		s.meters[&routes[i]] = &metrics.Meter{}
	}
}

// countAnswer counts an answer by the first digit of its status.
func countAnswer(m *metrics.Meter, status int, took time.Duration) {
	m.Count(min(status/100, metrics.Endings-1), 1)
	m.Took(took, 1)
}

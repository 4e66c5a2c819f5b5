package exchange

import (
	"time"

	"github.com/sluice-proxy/sluice/metrics"
)

// CountRoutes makes a meter for each route. The meter at nil counts requests that no route takes.
func (s *Service) CountRoutes(routes []Route) {
	for i := range routes {
		s.Meters[&routes[i]] = &metrics.Meter{}
	}
}

// CountAnswer counts an answer by the first digit of its status. The route is nil if no route took the request.
func (s *Service) CountAnswer(chosen *Route, status int, took time.Duration) {
	m := s.Meters[chosen]
	m.Count(min(status/100, metrics.Endings-1), 1)
	m.Took(took, 1)
}

package rest

import (
	"log/slog"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/metrics"
)

// service is what all requests share.
type service struct {
	kafka *kafka.Client
	log   *slog.Logger

	// answering, waiting and held are gauges: requests that are being answered, requests that wait for records
	// (streams included), and bytes of bodies.
	answering, waiting, held atomic.Int64

	opts   atomic.Pointer[Options]
	meters metrics.Meters[*route]
	drains chan struct{} // closed when the door begins to drain
}

// newService makes what requests to the given client share.
func newService(client *kafka.Client, opts Options, log *slog.Logger) *service {
	s := &service{kafka: client, log: log, meters: metrics.NewMeters[*route](nil), drains: make(chan struct{})}
	s.reconfigure(opts)
	return s
}

// reconfigure changes the settings. A request keeps those that it began with.
func (s *service) reconfigure(opts Options) {
	opts = opts.orDefaults()
	s.opts.Store(&opts)
}

// options returns the settings of now.
func (s *service) options() *Options { return s.opts.Load() }

// isDraining reports whether the door drains: it takes nothing new.
func (s *service) isDraining() bool {
	select {
	case <-s.drains:
		return true
	default:
		return false
	}
}

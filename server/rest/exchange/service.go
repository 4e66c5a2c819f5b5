package exchange

import (
	"log/slog"
	"sync/atomic"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/metrics"
)

// Service is what all requests share.
type Service struct {
	Kafka *kafka.Client
	Log   *slog.Logger

	// answering, waiting and held are gauges: requests that are being answered, requests that wait for records
	// (streams included), and bytes of bodies.
	Answering, Waiting, Held atomic.Int64

	opts   atomic.Pointer[Options]
	Meters metrics.Meters[*Route]
	Drains chan struct{} // closed when the door begins to drain
}

// NewService makes what requests to the given client share.
func NewService(client *kafka.Client, opts Options, log *slog.Logger) *Service {
	s := &Service{Kafka: client, Log: log, Meters: metrics.NewMeters[*Route](nil), Drains: make(chan struct{})}
	s.Reconfigure(opts)
	return s
}

// Reconfigure changes the settings. A request keeps those that it began with.
func (s *Service) Reconfigure(opts Options) {
	opts = opts.orDefaults()
	s.opts.Store(&opts)
}

// Options returns the current settings.
func (s *Service) Options() *Options { return s.opts.Load() }

// IsDraining reports whether the door drains: it takes nothing new.
func (s *Service) IsDraining() bool {
	select {
	case <-s.Drains:
		return true
	default:
		return false
	}
}

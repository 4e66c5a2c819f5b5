package management

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The bounds of scrapes. More scrapes at once are answered 503, and so is one that takes longer.
const (
	maxScrapes    = 4
	scrapeTimeout = 10 * time.Second
)

// collector makes metrics of a snapshot, in the order of the table.
type collector struct {
	read  func() *snapshot
	rows  []metric
	descs []*prometheus.Desc
}

func newCollector(read func() *snapshot) *collector {
	c := &collector{read: read}
	for _, family := range families {
		for _, m := range family.metrics {
			c.rows = append(c.rows, m)
			c.descs = append(c.descs, prometheus.NewDesc(m.name, m.help, m.labels, nil))
		}
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range c.descs {
		to <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	now := c.read()
	for i := range c.rows {
		out := series{points: map[string]*point{}}
		c.rows[i].read(now, &out)
		now.seriesDropped += out.send(&c.rows[i], c.descs[i], to)
	}
}

// valid is a label as Prometheus takes it.
func valid(label string) string { return strings.ToValidUTF8(label, "\uFFFD") }

// scrapes answers /metrics.
func scrapes(read func() *snapshot, log *slog.Logger) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(read), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
	})
}

package management

import (
	"math"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-proxy/sluice/metrics"
)

// metric is a row of the table: all that is known about a metric, its source included.
type metric struct {
	name   string
	kind   kind
	labels []string
	help   string
	read   func(*snapshot, *series)
}

type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

// family is the part of the table about one subject.
type family struct {
	title   string
	metrics []metric
}

// families are all metrics of sluice's own; docs/metrics.md is made of them. What the Go runtime and the
// kernel say of the process comes on top, under go_ and process_.
var families = []family{
	{"Producing", produceMetrics},
	{"Consuming", consumeMetrics},
	{"Lag", lagMetrics},
	{"The doors", doorMetrics},
	{"The HTTP door", httpMetrics},
	{"Kafka", kafkaMetrics},
	{"The process", processMetrics},
}

func labels(names ...string) []string { return names }

// other is the label for values beyond a bound, and for values without a name. No topic can have this name.
const other = "(other)"

func named(topic string) string {
	if topic == "" {
		return other
	}
	return topic
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// maxSeries bounds the series of one metric. Names that clients invent are bounded where they are counted. This bound is
// for clusters and subscriptions that are larger than expected.
const maxSeries = 2000

// series collects the values of one metric. Rows with the same labels become one row. Two subscriptions of a group have the
// same labels, and so have names that differ only in bytes that no label can have.
type series struct {
	points map[string]*point
}

type point struct {
	labels       []string
	value        float64
	distribution metrics.Distribution
}

func (s *series) at(labels []string) *point {
	key := ""
	for i, label := range labels {
		labels[i] = valid(label)
		key += labels[i] + "\xff" // in no label: it is not UTF-8
	}
	p := s.points[key]
	if p == nil {
		p = &point{labels: labels, value: math.NaN()}
		s.points[key] = p
	}
	return p
}

// add adds to the value of a series: for counters.
func (s *series) add(value float64, labels ...string) {
	p := s.at(labels)
	if math.IsNaN(p.value) {
		p.value = 0
	}
	p.value += value
}

// largest keeps the largest value of a series: for ages and states.
func (s *series) largest(value float64, labels ...string) {
	if p := s.at(labels); math.IsNaN(p.value) || value > p.value {
		p.value = value
	}
}

func (s *series) observe(d metrics.Distribution, labels ...string) { s.at(labels).distribution = d }

// send gives the first maxSeries to Prometheus, and returns how many it left out.
func (s *series) send(m *metric, desc *prometheus.Desc, to chan<- prometheus.Metric) (dropped int) {
	keys := make([]string, 0, len(s.points))
	for key := range s.points {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys[:min(len(keys), maxSeries)] {
		p := s.points[key]
		to <- m.sample(desc, p)
	}
	return max(0, len(keys)-maxSeries)
}

func (m *metric) sample(desc *prometheus.Desc, p *point) prometheus.Metric {
	switch m.kind {
	case histogram:
		d := p.distribution
		return prometheus.MustNewConstHistogram(desc, d.Count, d.Sum, d.Buckets, p.labels...)
	case counter:
		return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, p.value, p.labels...)
	default:
		return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, p.value, p.labels...)
	}
}

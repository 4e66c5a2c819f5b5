package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Get asks the management door for a page, on a connection of its own.
func (s *Sluice) Get(ctx context.Context, path string) (status int, body string, err error) {
	return get(ctx, "management", s.Management, path)
}

// GetHTTP asks the HTTP door in the same way.
func (s *Sluice) GetHTTP(ctx context.Context, path string) (status int, body string, err error) {
	return get(ctx, "http", s.HTTP, path)
}

func get(ctx context.Context, door, address, path string) (status int, body string, err error) {
	if address == "" {
		return 0, "", fmt.Errorf("the door %s is closed", door)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// Scrape reads /metrics.
func (s *Sluice) Scrape(ctx context.Context) (*Metrics, error) {
	status, body, err := s.Get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("/metrics is answered with %d: %s", status, body)
	}
	return parseMetrics(body)
}

// Metrics are what one scrape brought.
type Metrics struct {
	// Series in the order of the text.
	Series []Series
	// Kinds of the metrics (counter, gauge, histogram), by name.
	Kinds map[string]string
	// Size of the text in bytes.
	Size int
}

// Series is one value, and what identifies it.
type Series struct {
	Name   string
	Labels map[string]string
	Value  float64
	// ID is the name with the labels, as in the text.
	ID string
}

// parseMetrics reads the text format. Label values with a quote or a backslash are not expected here.
func parseMetrics(text string) (*Metrics, error) {
	m := &Metrics{Kinds: map[string]string{}, Size: len(text)}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "TYPE" {
			m.Kinds[fields[2]] = fields[3]
		}
		if line == "" || line[0] == '#' {
			continue
		}
		one, err := parseSeries(line)
		if err != nil {
			return nil, fmt.Errorf("%w in %q", err, line)
		}
		m.Series = append(m.Series, one)
	}
	return m, nil
}

func parseSeries(line string) (Series, error) {
	end := strings.LastIndexByte(line, ' ')
	if end < 0 {
		return Series{}, errors.New("no value")
	}
	value, err := strconv.ParseFloat(line[end+1:], 64)
	if err != nil {
		return Series{}, err
	}
	one := Series{ID: line[:end], Labels: map[string]string{}, Value: value}
	name, labels, _ := strings.Cut(one.ID, "{")
	one.Name = name
	for labels = strings.TrimSuffix(labels, "}"); labels != ""; labels = strings.TrimPrefix(labels, ",") {
		label, rest, found := strings.Cut(labels, `="`)
		text, rest, closed := strings.Cut(rest, `"`)
		if !found || !closed {
			return Series{}, errors.New("bad labels")
		}
		one.Labels[label], labels = text, rest
	}
	return one, nil
}

// Sum adds the series of a metric that have the labels, given as name, value, name, value. One that is
// not there counts 0.
func (m *Metrics) Sum(name string, labels ...string) float64 {
	sum := 0.0
	for _, s := range m.Series {
		if s.Name == name && s.has(labels) {
			sum += s.Value
		}
	}
	return sum
}

func (s *Series) has(labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if s.Labels[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// Values are the different values of a label in a metric, in the order of the text.
func (m *Metrics) Values(name, label string) []string {
	var values []string
	seen := map[string]bool{}
	for _, s := range m.Series {
		if v := s.Labels[label]; s.Name == name && !seen[v] {
			seen[v] = true
			values = append(values, v)
		}
	}
	return values
}

// Counts tells whether a series must never get smaller: counters, and all of a histogram.
func (m *Metrics) Counts(s *Series) bool {
	if m.Kinds[s.Name] == "counter" {
		return true
	}
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, found := strings.CutSuffix(s.Name, suffix); found && m.Kinds[base] == "histogram" {
			return true
		}
	}
	return false
}

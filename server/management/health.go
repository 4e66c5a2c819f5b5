package management

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Health is the answer of /healthz.
type Health struct {
	// OK is false while a loop of the process is stuck. It does not depend on brokers.
	OK   bool   `json:"ok"`
	Late []Late `json:"late"`
}

// Late is a loop whose last turn is longer ago than its gap.
type Late struct {
	Loop       string  `json:"loop"`
	AgeSeconds float64 `json:"age_seconds"`
	GapSeconds float64 `json:"gap_seconds"`
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"`
	// SilentBrokers do not answer. Other brokers may answer, so this is no reason to go elsewhere.
	SilentBrokers []string `json:"silent_brokers,omitempty"`
	// Throttled says which brokers delay their answers, because a quota of Kafka is exceeded.
	Throttled []string `json:"throttled,omitempty"`
}

// healthz answers 503 when a restart would help.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	health := Health{Late: s.late()}
	health.OK = len(health.Late) == 0
	answer(w, wellOr503(health.OK), health)
}

// readyz answers 503 when clients should go elsewhere.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	ready := s.readiness()
	answer(w, wellOr503(ready.Ready), ready)
}

func wellOr503(well bool) int {
	if well {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func (s *Server) readiness() Readiness {
	reasons := append([]string{}, s.sources.NotReady()...) // a list in JSON when it is empty
	ready := Readiness{Ready: len(reasons) == 0, Reasons: reasons}
	if c := s.sources.Kafka; c != nil {
		for _, b := range c.Silent() {
			ready.SilentBrokers = append(ready.SilentBrokers, b.String())
		}
		ready.Throttled = c.Throttled()
	}
	return ready
}

func (s *Server) late() []Late {
	late := []Late{}
	for _, beat := range s.sources.Beats() {
		if beat.Age > beat.Gap {
			late = append(late, Late{beat.Loop, seconds(beat.Age), seconds(beat.Gap)})
		}
	}
	slices.SortFunc(late, func(a, b Late) int { return strings.Compare(a.Loop, b.Loop) })
	return late
}

// seconds is a duration as JSON and metrics have it, to the millisecond.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1e3 }

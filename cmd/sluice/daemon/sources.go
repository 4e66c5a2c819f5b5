package daemon

import (
	"cmp"
	"fmt"
	"runtime"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/management"
)

// sources are what the management door reads and calls.
func (d *daemon) sources() management.Sources {
	hosts := d.current.cfg.Management
	return management.Sources{
		Kafka: d.backend.client, RESP: d.doors.resp, REST: d.doors.http,
		NotReady: d.notReady, Reload: d.reload, LastReload: func() management.LastReload { return *d.current.last.Load() },
		Drain: d.requestDrain, Beats: d.beatAges, Register: d.beats.Register, Listeners: d.doors.listeners, LogsDropped: d.output.Dropped, Errors: d.lastErrors,
		Build:   management.Build{Version: d.version, Go: runtime.Version(), Librdkafka: kafka.Version()},
		Started: d.started, Hosts: hosts.Hosts, Pprof: hosts.Pprof,
	}
}

// notReady returns the reasons why clients should use another sluice, nil when there are none.
func (d *daemon) notReady() []string {
	switch d.phase.Load() {
	case starting:
		return []string{"starting"}
	case draining:
		return []string{"draining"}
	}
	client := d.backend.client
	if err := cmp.Or(client.Unreachable(), client.Reach()); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// stuck returns the reasons why a restart would help, nil when there are none.
func (d *daemon) stuck() (reasons []string) {
	for _, a := range d.beats.Late() {
		reasons = append(reasons, fmt.Sprintf("loop %s made no progress for %s, and may take %s", a.Loop, a.Age.Truncate(time.Millisecond), a.Gap))
	}
	return reasons
}

// requestDrain begins a drain and does not wait for it.
func (d *daemon) requestDrain() {
	select {
	case d.stops.drains <- struct{}{}:
	default: // another request waits already
	}
}

func (d *daemon) beatAges() []management.Beat {
	var beats []management.Beat
	for _, a := range d.beats.Ages() {
		beats = append(beats, management.Beat{Loop: a.Loop, Age: a.Age, Gap: a.Gap})
	}
	return beats
}

// lastErrors are the last warning or error of each kind.
func (d *daemon) lastErrors() []management.LastError {
	var list []management.LastError
	for _, r := range d.output.Recent() {
		list = append(list, management.LastError{At: r.At, Level: r.Level.String(), Text: r.Text, Count: r.Count})
	}
	return list
}

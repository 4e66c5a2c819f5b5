package management

import (
	"context"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/resp"
	"github.com/sluice-proxy/sluice/server/rest"
)

// Sources are what the listener reports. Any goroutine may call any of the functions at any time, so none of them may wait
// for a broker. A nil function reports nothing.
type Sources struct {
	// Kafka is the client whose records are counted; nil while there is none.
	Kafka *kafka.Client
	// RESP is the Redis door; nil when it is closed.
	RESP *resp.Server
	// REST returns the HTTP door; nil when it is closed.
	REST func() *rest.Server
	// NotReady says why clients should go elsewhere, such as "draining"; nothing when they need not.
	NotReady func() []string
	// Reload reads the configuration again. Its error is for the operator; after an error nothing has changed. The
	// listener runs one reload at a time.
	Reload func(context.Context) (Reloaded, error)
	// LastReload is how the last reload ended. The start of the process counts as one.
	LastReload func() LastReload
	// Drain begins to stop the process and returns at once.
	Drain func()
	// Beats are the loops that a watchdog looks after.
	Beats func() []Beat
	// Register tells the watchdog about the two accept loops of this listener; nil when there is no watchdog.
	Register server.Watch
	// Listeners are the doors that are open, this one included.
	Listeners func() []Listener
	// LogsDropped counts log lines that could not be written.
	LogsDropped func() int64
	// Errors are the last warning or error of each kind, the latest first.
	Errors func() []LastError
	// Build says what is running, Started since when.
	Build   Build
	Started time.Time
	// Hosts are the names under which the TCP listener may be asked, besides localhost and IP addresses.
	Hosts []string
	// Pprof opens /debug/pprof.
	Pprof bool
}

// Build says what is running.
type Build struct {
	Version    string `json:"version"`
	Go         string `json:"go"`
	Librdkafka string `json:"librdkafka"`
}

// Beat is one loop of the process: how long ago it last turned, and how long it may take.
type Beat struct {
	// Loop is its kind, or kind:detail, such as "subscription:billing".
	Loop     string
	Age, Gap time.Duration
}

// Listener is an open door.
type Listener struct {
	// Name is resp, http, management or control.
	Name string `json:"name"`
	// Address is host:port, or the path of a unix socket.
	Address string `json:"address"`
	// Inherited is true when systemd opened it.
	Inherited bool `json:"inherited"`
}

// Reloaded is what a reload did.
type Reloaded struct {
	// Changed are the keys of the configuration whose new values are in force.
	Changed []string `json:"changed"`
	// Restart are the keys whose new values wait for a restart.
	Restart []string `json:"needs_restart"`
	// Warnings are oddities of the new configuration.
	Warnings []string `json:"warnings,omitempty"`
}

// LastReload is how a reload ended, and when.
type LastReload struct {
	OK bool      `json:"ok"`
	At time.Time `json:"at"`
	// Error is empty when OK.
	Error string `json:"error,omitempty"`
}

// orDefaults fills the functions that are nil, except Reload and Drain: without them the calls do not exist.
func (s Sources) orDefaults() Sources {
	if s.REST == nil {
		s.REST = func() *rest.Server { return nil }
	}
	if s.NotReady == nil {
		s.NotReady = func() []string { return nil }
	}
	if s.LastReload == nil {
		s.LastReload = func() LastReload { return LastReload{OK: true, At: s.Started} }
	}
	if s.Beats == nil {
		s.Beats = func() []Beat { return nil }
	}
	if s.Listeners == nil {
		s.Listeners = func() []Listener { return nil }
	}
	if s.Errors == nil {
		s.Errors = func() []LastError { return nil }
	}
	if s.LogsDropped == nil {
		s.LogsDropped = func() int64 { return 0 }
	}
	return s
}

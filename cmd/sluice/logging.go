package main

import (
	"context"
	"io"
	"log/slog"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// logFlush is how long the last lines may take on their way out when stderr is stuck.
const logFlush = 2 * time.Second

// newLogger writes records of at least the configured level, as text or as JSON, one a line, each
// before it returns: for commands that end soon. A service has openLog.
func newLogger(to io.Writer, cfg logConfig) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// serviceLog is the log of a process that runs for months: no caller waits for stderr, storms become
// a few lines with a count, nothing a client sends looks like a line of its own, and level and format
// change while it runs.
type serviceLog struct {
	level   slog.LevelVar
	json    atomic.Bool
	journal bool
	storms  *storms
	out     *lineWriter
}

// openLog starts a log on stderr; journal says that systemd's journal reads it. Close ends it. From now
// on a reader that goes away makes writing to stderr fail, and no longer ends the process, as Go
// otherwise does: see "SIGPIPE" in package os/signal.
func openLog(stderr io.Writer, journal bool, cfg logConfig) *serviceLog {
	signal.Ignore(syscall.SIGPIPE)
	l := &serviceLog{journal: journal}
	l.Configure(cfg)
	l.out = startLineWriter(stderr, l.dropped)
	l.storms = newStorms(func(r slog.Record) { l.out.Add(l.form().line(r)) })
	return l
}

// Logger returns what the parts of the program log to.
func (l *serviceLog) Logger() *slog.Logger { return slog.New(&logHandler{log: l}) }

// warn writes warnings of the start, every one: those of a kind are of different properties.
func (l *serviceLog) warn(warnings []warning) {
	warn(slog.New(&logHandler{log: l, all: true}), warnings)
}

// Configure changes level and format for the lines to come.
func (l *serviceLog) Configure(cfg logConfig) {
	l.level.Set(cfg.Level)
	l.json.Store(cfg.Format == "json")
}

// Everything is the log for lines that were asked for one by one: of a storm it leaves none out.
func (l *serviceLog) Everything() *slog.Logger { return slog.New(&logHandler{log: l, all: true}) }

// Dropped returns how many lines stderr did not take in time, since the start.
func (l *serviceLog) Dropped() int64 { return l.out.Dropped() }

// Close writes what is waiting, storms' counts included, and returns after logFlush at the latest.
// Lines logged later are lost.
func (l *serviceLog) Close() {
	l.storms.Close()
	l.out.Close(logFlush)
}

func (l *serviceLog) form() lineForm { return lineForm{json: l.json.Load(), journal: l.journal} }

// dropped is the line that stands for n others.
func (l *serviceLog) dropped(n int64) []byte {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines dropped: stderr was not read", 0)
	r.AddAttrs(slog.Int64("lines", n))
	return l.form().line(r)
}

// logHandler is a serviceLog and the attributes that a With gave. They are kept as they are, because
// the format may change after it.
type logHandler struct {
	log    *serviceLog
	all    bool // even in a storm
	scopes []logScope
}

// logScope is one With: attributes, or the group that later ones are in.
type logScope struct {
	group string
	attrs []slog.Attr
}

// Enabled is slog.Handler's.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.log.level.Level()
}

// Handle is slog.Handler's. It never waits and never fails.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	if !h.all && !h.log.storms.Pass(r.Level, r.Message, func() slog.Record { return h.complete(r) }) {
		return nil
	}
	h.log.out.Add(h.log.form().line(h.complete(r))) //nolint:contextcheck // slog's own handlers ask a context for nothing
	return nil
}

// WithAttrs is slog.Handler's.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(logScope{attrs: attrs})
}

// WithGroup is slog.Handler's.
func (h *logHandler) WithGroup(name string) slog.Handler { return h.with(logScope{group: name}) }

func (h *logHandler) with(scope logScope) *logHandler {
	return &logHandler{log: h.log, all: h.all, scopes: append(slices.Clip(h.scopes), scope)}
}

// complete is a record of its own with the attributes of every With.
func (h *logHandler) complete(r slog.Record) slog.Record {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	for _, scope := range slices.Backward(h.scopes) {
		attrs = append(slices.Clone(scope.attrs), attrs...)
		if scope.group != "" {
			attrs = []slog.Attr{{Key: scope.group, Value: slog.GroupValue(attrs...)}}
		}
	}
	whole := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	whole.AddAttrs(attrs...)
	return whole
}

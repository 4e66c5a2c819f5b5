package logging

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

// Config says which lines are written, and in which format.
type Config struct {
	Level  slog.Level // the lowest level that is written
	Format string     // "text" or "json"
}

// closeTimeout bounds how long Close waits for stderr to take the last lines.
const closeTimeout = 2 * time.Second

// New returns a logger for commands that end soon. It writes each record before the call returns.
func New(to io.Writer, cfg Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// Log is the log of a process that runs for months. Its level and its format change while it runs.
type Log struct {
	level   slog.LevelVar
	json    atomic.Bool
	journal bool
	limiter *limiter
	recent  recents
	out     *lineWriter
}

// Open starts a log on stderr; journal says that systemd's journal reads it. Close ends the log.
//
// Open also ignores SIGPIPE. Go would otherwise end the process when the reader of stderr goes away: see "SIGPIPE" in
// package os/signal.
func Open(stderr io.Writer, journal bool, cfg Config) *Log {
	signal.Ignore(syscall.SIGPIPE)
	l := &Log{journal: journal, recent: recents{by: map[kind]*recent{}}}
	l.Configure(cfg)
	l.out = startLineWriter(stderr, l.droppedLine)
	l.limiter = newLimiter(func(r slog.Record) { l.out.Add(l.format().line(r)) })
	return l
}

// Logger returns the logger for all parts of the program. It limits repeated messages.
func (l *Log) Logger() *slog.Logger { return slog.New(&handler{log: l}) }

// Unlimited returns a logger that does not limit repeated messages. It is for lines that the operator asked for one by
// one, such as those of the access log.
func (l *Log) Unlimited() *slog.Logger { return slog.New(&handler{log: l, unlimited: true}) }

// Configure changes level and format of the lines to come.
func (l *Log) Configure(cfg Config) {
	l.level.Set(cfg.Level)
	l.json.Store(cfg.Format == "json")
}

// Dropped returns how many lines were dropped since the start, because stderr was not read in time.
func (l *Log) Dropped() int64 { return l.out.Dropped() }

// Close writes the waiting lines and the limiter's counts. It returns after closeTimeout at the latest. Later lines are
// lost.
func (l *Log) Close() {
	l.limiter.Close()
	l.out.Close(closeTimeout)
}

func (l *Log) format() lineFormat { return lineFormat{json: l.json.Load(), journal: l.journal} }

// droppedLine is the line that replaces n dropped ones.
func (l *Log) droppedLine(n int64) []byte {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines dropped: stderr was not read", 0)
	r.AddAttrs(slog.Int64("lines", n))
	return l.format().line(r)
}

// handler is the slog.Handler of a Log. It keeps attributes unformatted, because the format may change later.
type handler struct {
	log       *Log
	unlimited bool
	scopes    []scope
}

// scope is the result of one WithAttrs or WithGroup.
type scope struct {
	group string
	attrs []slog.Attr
}

// Enabled is slog.Handler's.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.log.level.Level()
}

// Handle is slog.Handler's. It never waits and never fails.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	h.log.recent.note(r, func() slog.Record { return h.complete(r) })
	if !h.unlimited && !h.log.limiter.Allow(r.Level, r.Message, func() slog.Record { return h.complete(r) }) {
		return nil
	}
	h.log.out.Add(h.log.format().line(h.complete(r))) //nolint:contextcheck // slog's own handlers ask a context for nothing
	return nil
}

// WithAttrs is slog.Handler's.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.with(scope{attrs: attrs}) }

// WithGroup is slog.Handler's.
func (h *handler) WithGroup(name string) slog.Handler { return h.with(scope{group: name}) }

func (h *handler) with(s scope) *handler {
	return &handler{log: h.log, unlimited: h.unlimited, scopes: append(slices.Clip(h.scopes), s)}
}

// complete returns a copy of the record with the attributes of all scopes.
func (h *handler) complete(r slog.Record) slog.Record {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	for _, s := range slices.Backward(h.scopes) {
		attrs = append(slices.Clone(s.attrs), attrs...)
		if s.group != "" {
			attrs = []slog.Attr{{Key: s.group, Value: slog.GroupValue(attrs...)}}
		}
	}
	whole := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	whole.AddAttrs(attrs...)
	return whole
}

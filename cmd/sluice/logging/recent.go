package logging

import (
	"bytes"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Recent is the last line of one kind, which is a level with a message.
type Recent struct {
	At    time.Time
	Level slog.Level
	Text  string // the message with its attributes
	Count int64  // since the start, with the lines that the limiter held back
}

// recents are the last warnings and errors of each kind. Kinds are messages of the program, so there are not many.
type recents struct {
	mu sync.Mutex // guards by
	by map[kind]*recent
}

type recent struct {
	last  slog.Record
	count int64
}

// note keeps a line. Further kinds beyond maxKinds are not kept.
func (rs *recents) note(r slog.Record, whole func() slog.Record) {
	if r.Level < slog.LevelWarn {
		return
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	k := kind{r.Level, r.Message}
	if rs.by[k] == nil {
		if len(rs.by) >= maxKinds {
			return
		}
		rs.by[k] = &recent{}
	}
	rs.by[k].last = whole()
	rs.by[k].count++
}

// Recent returns the last warning or error of each kind, the latest first.
func (l *Log) Recent() []Recent {
	l.recent.mu.Lock()
	defer l.recent.mu.Unlock()
	var all []Recent
	for _, r := range l.recent.by {
		all = append(all, Recent{r.last.Time, r.last.Level, plain(r.last), r.count})
	}
	slices.SortFunc(all, func(a, b Recent) int { return b.At.Compare(a.At) })
	return all
}

// plain is a record as a line of text without time and level.
func plain(r slog.Record) string {
	var b bytes.Buffer
	h := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}})
	_ = h.Handle(nil, r) //nolint:staticcheck // into memory, and it asks the context for nothing
	return string(bytes.TrimSpace(bytes.TrimPrefix(b.Bytes(), []byte("msg="))))
}

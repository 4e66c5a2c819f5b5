package logging

import (
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var asText = Config{Level: slog.LevelInfo, Format: "text"}

// said runs a function that logs, and returns the written lines.
func said(t *testing.T, journal bool, cfg Config, what func(*Log, *slog.Logger)) []string {
	t.Helper()
	var out sink
	l := Open(&out, journal, cfg)
	what(l, l.Logger())
	l.Close()
	return out.take()
}

func TestTheJournalGetsPrioritiesAndNoTimes(t *testing.T) {
	everyLevel := func(_ *Log, log *slog.Logger) {
		log.Error("a", "n", 1)
		log.Warn("b", "err", errors.New("away"))
		log.With("group", "g").WithGroup("in").With("x", 1).Info("c", "y", 2)
		log.Debug("d")
	}
	got := said(t, true, Config{Level: slog.LevelDebug, Format: "text"}, everyLevel)
	want := []string{
		`<3>level=ERROR msg=a n=1`,
		`<4>level=WARN msg=b err=away`,
		`<6>level=INFO msg=c group=g in.x=1 in.y=2`,
		`<7>level=DEBUG msg=d`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	got = said(t, true, Config{Level: slog.LevelWarn, Format: "json"}, everyLevel)
	want = []string{
		`<3>{"level":"ERROR","msg":"a","n":1}`,
		`<4>{"level":"WARN","msg":"b","err":"away"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestElsewhereLinesHaveTheirTime(t *testing.T) {
	got := said(t, false, asText, func(_ *Log, log *slog.Logger) { log.Info("a") })
	if !regexp.MustCompile(`^time=\d{4}-\d\d-\d\dT\S+ level=INFO msg=a$`).MatchString(got[0]) {
		t.Error(got[0])
	}
}

func TestLoggersOfOneOriginAreApart(t *testing.T) {
	got := said(t, true, asText, func(_ *Log, log *slog.Logger) {
		log = log.With("a", 1).With("b", 2).With("c", 3)
		one, other := log.With("d", 4), log.With("e", 5)
		one.Info("x")
		other.Info("y")
	})
	want := []string{`<6>level=INFO msg=x a=1 b=2 c=3 d=4`, `<6>level=INFO msg=y a=1 b=2 c=3 e=5`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLevelAndFormatChangeWhileItRuns(t *testing.T) {
	got := said(t, true, asText, func(l *Log, log *slog.Logger) {
		log = log.With("group", "g") // made before the change, as every part of the program makes its own
		log.Debug("not yet")
		l.Configure(Config{Level: slog.LevelDebug, Format: "json"})
		log.Debug("now")
		l.Configure(Config{Level: slog.LevelError, Format: "text"})
		log.Warn("no more")
		log.Error("always")
	})
	want := []string{`<7>{"level":"DEBUG","msg":"now","group":"g"}`, `<3>level=ERROR msg=always group=g`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsLoggedLastIsWritten(t *testing.T) {
	lines := said(t, true, asText, func(_ *Log, log *slog.Logger) {
		for range 7 {
			log.Error("the redis door broke", "err", "x")
		}
	})
	want := `<3>level=ERROR msg="the redis door broke" err=x`
	if diff := cmp.Diff([]string{want, want, want, want, want, want + " suppressed=1"}, lines); diff != "" {
		t.Error(diff)
	}
}

func TestTheUnlimitedLoggerWritesEveryLine(t *testing.T) {
	lines := said(t, true, asText, func(l *Log, _ *slog.Logger) {
		for range 20 {
			l.Unlimited().Warn("property ignored", "property", "x")
		}
	})
	if len(lines) != 20 || lines[19] != `<4>level=WARN msg="property ignored" property=x` {
		t.Errorf("%d lines: %s", len(lines), lines)
	}
}

// sink is a stderr that tests can read and break.
type sink struct {
	mu     sync.Mutex
	text   strings.Builder
	broken bool
}

// Write is io.Writer's.
func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return 0, io.ErrClosedPipe
	}
	return s.text.Write(b)
}

// take returns the lines since the last time.
func (s *sink) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text.String()
	s.text.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func (s *sink) fail(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

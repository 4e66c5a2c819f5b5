package logging

import (
	"log/slog"
	"testing"
)

// The last line of each kind is kept, however many others there are, and although the limiter has held it back.
func TestTheLastLineOfEachKindIsKept(t *testing.T) {
	said(t, false, asText, func(l *Log, log *slog.Logger) {
		log.Info("all is well")
		log.Error("disk full", "path", "/var")
		for i := range 20 {
			log.With("group", "g").Warn("slow", "n", i)
		}
		got := l.Recent()
		if len(got) != 2 {
			t.Fatalf("%+v", got)
		}
		for i, want := range []Recent{{Level: slog.LevelWarn, Text: "slow group=g n=19", Count: 20}, {Level: slog.LevelError, Text: `"disk full" path=/var`, Count: 1}} {
			if g := got[i]; g.Level != want.Level || g.Text != want.Text || g.Count != want.Count || g.At.IsZero() {
				t.Errorf("%+v, want %+v", g, want)
			}
		}
	})
}

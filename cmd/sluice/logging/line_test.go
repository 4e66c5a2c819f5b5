package logging

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile are texts of clients that try to forge values or lines.
var hostile = []string{
	"x\n<0>forged", "\n<0>level=ERROR msg=forged", "x\r<0>y", "\x1b[2J\x1b[31m", "\xff\xfe\n<0>", "a\x00b", "<0>", "\u2028<0>", "\u0085<0>",
	"\u009b2J", "\x7f", "\u202egnorw", "\U000e0041", `" level=ERROR msg="forged`, `","msg":"forged`, "=", "", "\xed\xa0\x80", "\\n", "\t",
}

func TestNothingAClientSendsForgesALine(t *testing.T) {
	for _, text := range hostile {
		for name, value := range map[string]any{"text": text, "error": errors.New(text), "list": []string{text}, "bytes": []byte(text)} {
			for _, format := range []string{"text", "json"} {
				cfg := Config{Level: slog.LevelInfo, Format: format}
				lines := said(t, true, cfg, func(_ *Log, log *slog.Logger) {
					log.Info("client cut", "client", value)
				})
				if len(lines) != 1 {
					t.Errorf("%s of %q as %s: %d lines: %q", name, text, format, len(lines), lines)
					continue
				}
				checkHonest(t, lines[0], format)
			}
		}
	}
}

// checkHonest checks that a line has only printable characters and only one value.
func checkHonest(t *testing.T, line, format string) {
	t.Helper()
	rest, found := strings.CutPrefix(line, "<6>")
	if !found || strings.IndexFunc(line, Unprintable) >= 0 {
		t.Errorf("not fit for a terminal: %q", line)
	}
	if format == "json" {
		var fields map[string]any
		if err := json.Unmarshal([]byte(rest), &fields); err != nil || len(fields) != 3 || fields["msg"] != "client cut" {
			t.Errorf("%q: %v, %v", line, fields, err)
		}
		return
	}
	// The value is one word, or one quoted text.
	if !regexp.MustCompile(`^level=INFO msg="client cut" client=([^ "=]+|"([^"\\]|\\.)*")$`).MatchString(rest) {
		t.Errorf("not one value: %q", line)
	}
}

func TestJSONKeepsWhatWasSaid(t *testing.T) {
	const text = "\u009b2J \x7f \u202e \U000e0041 ü 😀"
	lines := said(t, false, Config{Format: "json"}, func(_ *Log, log *slog.Logger) { log.Info("x", "text", text) })
	var got struct{ Text string }
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got.Text != text {
		t.Errorf("%q, %v from %s", got.Text, err, lines[0])
	}
	if !strings.Contains(lines[0], "ü 😀") {
		t.Errorf("escaped more than needed: %s", lines[0])
	}
}

func TestALineIsCutVisibly(t *testing.T) {
	long := map[string]string{
		"plain":   strings.Repeat("x", 1<<20),
		"control": strings.Repeat("\x01", 100_000),
		"broken":  strings.Repeat("\xff", 100_000),
		"tags":    strings.Repeat("\U000e0041", 100_000),
		"quotes":  strings.Repeat(`"\`, 100_000),
		"wide":    strings.Repeat("😀", 100_000),
	}
	for name, text := range long {
		for _, format := range []string{"text", "json"} {
			lines := said(t, true, Config{Format: format}, func(_ *Log, log *slog.Logger) {
				log.With("group", text).Warn("client cut", "n", 7, "err", errors.New(text), "short", "x", "a", text, "b", text, "c", text)
			})
			if len(lines) != 1 || len(lines[0]) >= maxLine || len(lines[0]) < maxLine/4 {
				t.Fatalf("%s as %s: %d lines, the first of %d bytes", name, format, len(lines), len(lines[0]))
			}
			mark := fmt.Sprintf("... (cut, %d bytes)", len(text))
			if n := strings.Count(lines[0], mark); n != 5 {
				t.Errorf("%s as %s: %d marks: %s", name, format, n, lines[0])
			}
			if format == "json" && !json.Valid([]byte(lines[0][len("<4>"):])) {
				t.Errorf("%s: not JSON: %s", name, lines[0])
			}
		}
	}
}

func TestTooManyAttributesAreNoLongLineEither(t *testing.T) {
	lines := said(t, true, asText, func(_ *Log, log *slog.Logger) {
		attrs := make([]any, 2000)
		for i := range attrs {
			attrs[i] = slog.Int("n", i)
		}
		log.Info("x", attrs...)
	})
	if want := []string{`<6>level=INFO msg="a line too long to log" attributes=2000`}; !cmp.Equal(want, lines) {
		t.Error(lines)
	}
}

// Every text of a client becomes one short, printable line. JSON keeps all of it.
func FuzzLogLine(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := slog.Record{Level: slog.LevelInfo, Message: "client cut"}
		r.AddAttrs(slog.String("client", text))
		for _, format := range []string{"text", "json"} {
			line := string(lineFormat{json: format == "json", journal: true}.line(r))
			if len(line) > maxLine || strings.Count(line, "\n") != 1 {
				t.Errorf("%d bytes: %q", len(line), line)
			}
			checkHonest(t, strings.TrimSuffix(line, "\n"), format)
		}
	})
}

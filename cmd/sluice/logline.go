package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxLine bounds a line of the log in bytes: what a client sends may be a megabyte.
	maxLine = 4 * kibi
	// maxTexts is what the texts of a cut line may take together; the rest is for keys, level and time.
	maxTexts = maxLine * 3 / 4
)

// lineForm is how a record is written.
type lineForm struct {
	json    bool
	journal bool // in front the priority that the journal reads there, and no time, for it has its own
}

// line is the record as one line, at most maxLine bytes long.
func (f lineForm) line(r slog.Record) []byte {
	line := f.format(r)
	if len(line) > maxLine {
		line = f.format(shorten(r))
	}
	if len(line) > maxLine { // not for their size but for their number: no record of ours has so many
		bare := slog.NewRecord(r.Time, r.Level, "a line too long to log", r.PC)
		bare.AddAttrs(slog.Int("attributes", r.NumAttrs()))
		line = f.format(bare)
	}
	return line
}

// format leaves most of the quoting to slog: a line end or an escape sequence of a client stays inside
// the quotes of its value, in text as in JSON.
func (f lineForm) format(r slog.Record) []byte {
	var line bytes.Buffer
	if f.journal {
		fmt.Fprintf(&line, "<%d>", priority(r.Level))
		r.Time = time.Time{} // slog leaves it out
	}
	// Level "debug": whether a record is logged was decided before.
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	if f.json {
		_ = slog.NewJSONHandler(&line, options).Handle(context.Background(), r) // a Buffer takes everything
	} else {
		_ = slog.NewTextHandler(&line, options).Handle(context.Background(), r)
	}
	return printable(line.Bytes())
}

// priority is syslog's, which the journal takes from the beginning of a line: see sd-daemon(3).
func priority(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}

// printable escapes what slog leaves as it is and a terminal may obey: in text DEL, in JSON also the
// C1 controls and marks that turn the direction of writing. All of it stands inside texts.
func printable(line []byte) []byte {
	if !bytes.ContainsFunc(line, hidden) {
		return line
	}
	var clean bytes.Buffer
	for _, r := range string(line) {
		if !hidden(r) {
			clean.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&clean, `\u%04x`, unit)
		}
	}
	return clean.Bytes()
}

func hidden(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }

// shorten cuts the texts of a record so that together they take maxTexts at most. Each may have an
// even share of what those before it left.
func shorten(r slog.Record) slog.Record {
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	message, used := cut(r.Message, maxTexts/4)
	short := slog.NewRecord(r.Time, r.Level, message, r.PC)
	attrs, _ = shortenAll(attrs, maxTexts-used)
	short.AddAttrs(attrs...)
	return short
}

func shortenAll(attrs []slog.Attr, room int) (short []slog.Attr, used int) {
	for i, a := range attrs {
		value, n := shortenValue(a.Value.Resolve(), (room-used)/(len(attrs)-i))
		short = append(short, slog.Attr{Key: a.Key, Value: value})
		used += n
	}
	return short, used
}

func shortenValue(v slog.Value, room int) (slog.Value, int) {
	switch v.Kind() {
	case slog.KindGroup:
		attrs, used := shortenAll(v.Group(), room)
		return slog.GroupValue(attrs...), used
	case slog.KindString, slog.KindAny:
		text, used := cut(v.String(), room)
		return slog.StringValue(text), used
	default: // numbers and times are short
		return v, 0
	}
}

// cut shortens a text to what takes about room bytes when it is escaped, and says so in it.
func cut(text string, room int) (short string, used int) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n := escaped(r, size)
		if used+n > room {
			mark := fmt.Sprintf("... (cut, %d bytes)", len(text))
			return text[:i] + mark, used + len(mark)
		}
		used += n
		i += size
	}
	return text, used
}

// escaped bounds what a rune takes in either form.
func escaped(r rune, size int) int {
	switch {
	case r == utf8.RuneError && size == 1, r < ' ', r == 0x7f:
		return 6 // \u0000, \ufffd
	case !strconv.IsPrint(r):
		return 12 // two of those
	case r == '"', r == '\\':
		return 2
	}
	return size
}

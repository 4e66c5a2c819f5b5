package logging

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
	// maxLine bounds a line of the log, in bytes. A client may send a megabyte that gets into one.
	maxLine = 4 << 10
	// maxTexts bounds all texts of a shortened line together, in bytes. The rest is for keys, level and time.
	maxTexts = maxLine * 3 / 4
)

// lineFormat says how a record becomes a line.
type lineFormat struct {
	json    bool
	journal bool // lines begin with a priority for the journal, and have no time, since the journal adds it
}

// line returns the record as one line of at most maxLine bytes.
func (f lineFormat) line(r slog.Record) []byte {
	line := f.format(r)
	if len(line) > maxLine {
		line = f.format(shorten(r))
	}
	if len(line) > maxLine { // too many attributes, not too long ones; no record of the program has so many
		bare := slog.NewRecord(r.Time, r.Level, "a line too long to log", r.PC)
		bare.AddAttrs(slog.Int("attributes", r.NumAttrs()))
		line = f.format(bare)
	}
	return line
}

// format leaves most of the quoting to slog. A client's line end or escape sequence stays inside the quotes of its
// value, in text and in JSON.
func (f lineFormat) format(r slog.Record) []byte {
	var line bytes.Buffer
	if f.journal {
		fmt.Fprintf(&line, "<%d>", Priority(r.Level))
		r.Time = time.Time{} // slog omits a zero time
	}
	// Level debug lets everything through: the caller has checked the level.
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	if f.json {
		_ = slog.NewJSONHandler(&line, options).Handle(context.Background(), r) // a Buffer takes everything
	} else {
		_ = slog.NewTextHandler(&line, options).Handle(context.Background(), r)
	}
	return printable(line.Bytes())
}

// Priority returns syslog's number of a level. The journal reads it at the beginning of a line: see sd-daemon(3).
func Priority(level slog.Level) int {
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

// printable escapes characters that slog leaves and a terminal may obey. In text that is DEL. In JSON it is also the
// C1 controls and the marks that change the direction of writing.
func printable(line []byte) []byte {
	if !bytes.ContainsFunc(line, Unprintable) {
		return line
	}
	var clean bytes.Buffer
	for _, r := range string(line) {
		if !Unprintable(r) {
			clean.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&clean, `\u%04x`, unit)
		}
	}
	return clean.Bytes()
}

// Unprintable reports whether a terminal may obey the character instead of showing it. Line ends do not count.
func Unprintable(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }

// shorten cuts the texts of a record to maxTexts bytes together. Each text gets an even share of what the texts before
// it left.
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
	default: // a number or a time, which is short
		return v, 0
	}
}

// cut shortens a text to about room bytes in escaped form, and appends a mark with the length of the whole text.
func cut(text string, room int) (short string, used int) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n := escapedSize(r, size)
		if used+n > room {
			mark := fmt.Sprintf("... (cut, %d bytes)", len(text))
			return text[:i] + mark, used + len(mark)
		}
		used += n
		i += size
	}
	return text, used
}

// escapedSize bounds the bytes of a rune after escaping, in both formats.
func escapedSize(r rune, size int) int {
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

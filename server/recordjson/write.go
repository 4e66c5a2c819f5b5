package recordjson

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/jsonscan"
)

// AppendRecord writes a record as REST v2 has it, with two more members: its timestamp and its headers, if there are
// any. It is always one line.
//
// A key or value that does not fit the format must not hold back the records behind it. It is written as a string, or
// as base64 if it is not UTF-8. The member "key_encoding" or "value_encoding" then says "text" or "base64".
func AppendRecord(out []byte, f Format, r *kafka.Record) []byte {
	return append(AppendMembers(append(out, '{'), f, r), '}')
}

// AppendMembers writes what is between a record's braces.
func AppendMembers(out []byte, f Format, r *kafka.Record) []byte {
	out = AppendString(append(out, `"topic":`...), r.Topic)
	out, keyIs := appendContent(append(out, `,"key":`...), f, r.Key)
	out, valueIs := appendContent(append(out, `,"value":`...), f, r.Value)
	out = strconv.AppendInt(append(out, `,"partition":`...), int64(r.Partition), 10)
	out = strconv.AppendInt(append(out, `,"offset":`...), r.Offset, 10)
	if r.Timestamp >= 0 {
		out = strconv.AppendInt(append(out, `,"timestamp":`...), r.Timestamp, 10)
	}
	if len(r.Headers) > 0 {
		out = appendHeaders(out, r.Headers)
	}
	if keyIs != asAsked {
		out = AppendString(append(out, `,"key_encoding":`...), string(keyIs))
	}
	if valueIs != asAsked {
		out = AppendString(append(out, `,"value_encoding":`...), string(valueIs))
	}
	return out
}

func appendHeaders(out []byte, headers []kafka.Header) []byte {
	out = append(out, `,"headers":[`...)
	for i := range headers {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendString(append(out, `{"key":`...), headers[i].Name)
		out = appendBase64(append(out, `,"value":`...), headers[i].Value)
		out = append(out, '}')
	}
	return append(out, ']')
}

// encoding says how a key or a value was written.
type encoding string

const (
	asAsked  encoding = "" // in the format's own way
	asText   encoding = "text"
	asBase64 encoding = "base64"
)

// appendContent writes a key or a value.
func appendContent(out []byte, f Format, content []byte) ([]byte, encoding) {
	switch {
	case content == nil:
		return append(out, "null"...), asAsked
	case f == Binary:
		return appendBase64(out, content), asAsked
	case !utf8.Valid(content):
		return appendBase64(out, content), asBase64
	case f == JSON && isJSON(content):
		return appendLine(out, content), asAsked
	case f == JSON:
		return AppendString(out, content), asText
	}
	return AppendString(out, content), asAsked
}

// isJSON reports whether a text in UTF-8 is JSON.
func isJSON(content []byte) bool {
	s := jsonscan.New(content)
	_, err := s.Value()
	return err == nil && s.End() == nil
}

// appendLine writes a JSON text in one line. Line feeds in it are white space: strings have none.
func appendLine(out, text []byte) []byte {
	from := len(out)
	out = append(out, text...)
	if bytes.ContainsAny(text, "\r\n") {
		for i := from; i < len(out); i++ {
			if out[i] == '\n' || out[i] == '\r' {
				out[i] = ' '
			}
		}
	}
	return out
}

func appendBase64(out, content []byte) []byte {
	if content == nil {
		return append(out, "null"...)
	}
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, content)
	return append(out, '"')
}

// AppendString writes a string of JSON (RFC 8259, 7). Bytes that are not UTF-8 become U+FFFD.
func AppendString[T string | []byte](out []byte, text T) []byte {
	out = append(out, '"')
	for len(text) > 0 {
		n := plainBytes(text)
		out = append(out, text[:n]...)
		if text = text[n:]; len(text) > 0 {
			out = appendEscaped(out, text[0])
			text = text[1:]
		}
	}
	return append(out, '"')
}

// plainBytes returns how many of the first bytes need no escape.
func plainBytes[T string | []byte](text T) int {
	i := 0
	for i < len(text) {
		switch c := text[i]; {
		case c >= utf8.RuneSelf:
			n := runeLength(text[i:])
			if n == 0 {
				return i
			}
			i += n
		case c < ' ' || c == '"' || c == '\\':
			return i
		default:
			i++
		}
	}
	return i
}

func appendEscaped(out []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c >= utf8.RuneSelf:
		return append(out, "\ufffd"...)
	case c < ' ':
		return append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(out, '\\', c)
}

// runeLength returns the length of the first character in bytes; 0 if the text does not begin with UTF-8.
func runeLength[T string | []byte](text T) int {
	var first [utf8.UTFMax]byte
	r, n := utf8.DecodeRune(first[:copy(first[:], text)])
	if r == utf8.RuneError && n <= 1 {
		return 0
	}
	return n
}

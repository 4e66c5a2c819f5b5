package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The kinds of reply, by their first byte on the wire.
const (
	kindSimple   = '+'
	kindError    = '-'
	kindInt      = ':'
	kindBulk     = '$'
	kindArray    = '*'
	kindNull     = '_'
	kindMap      = '%'
	kindPush     = '>'
	kindSet      = '~'
	kindBool     = '#'
	kindDouble   = ','
	kindVerbatim = '='
)

// replyBytes bounds one string, and replyItems one aggregate, that a test believes.
const (
	replyBytes = 64 << 20
	replyItems = 1 << 20
)

// value is one reply as it came. A null of RESP2 keeps its kind ($-1 and *-1 are different).
type value struct {
	kind  byte
	null  bool
	text  string
	items []value
}

// readValue reads one reply, strictly: what is not RESP is an error.
func readValue(r *bufio.Reader) (value, error) {
	line, err := readLine(r)
	if err != nil {
		return value{}, err
	}
	if line == "" {
		return value{}, errors.New("empty line where a reply should begin")
	}
	v := value{kind: line[0], text: line[1:]}
	switch v.kind {
	case kindSimple, kindError, kindNull, kindBool, kindDouble:
		return v, nil
	case kindInt:
		_, err := strconv.ParseInt(v.text, 10, 64)
		return v, err
	case kindBulk, kindVerbatim:
		return readString(r, v)
	case kindArray, kindMap, kindPush, kindSet:
		return readItems(r, v)
	}
	return v, fmt.Errorf("not RESP: %q", line)
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		if err == io.EOF && line != "" {
			return "", fmt.Errorf("%w after %q", io.ErrUnexpectedEOF, line)
		}
		return "", err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		return "", fmt.Errorf("line without CR: %q", line)
	}
	return text, nil
}

func readString(r *bufio.Reader, v value) (value, error) {
	n, err := strconv.Atoi(v.text)
	if err != nil || n < -1 || n > replyBytes {
		return v, fmt.Errorf("bad length %q", v.text)
	}
	if n == -1 {
		v.null = true
		return v, nil
	}
	body := make([]byte, n+2)
	if _, err := io.ReadFull(r, body); err != nil {
		return v, err
	}
	if string(body[n:]) != "\r\n" {
		return v, fmt.Errorf("string of %d bytes ends in %q", n, body[n:])
	}
	v.text = string(body[:n])
	return v, nil
}

func readItems(r *bufio.Reader, v value) (value, error) {
	n, err := strconv.Atoi(v.text)
	if err != nil || n < -1 || n > replyItems {
		return v, fmt.Errorf("bad count %q", v.text)
	}
	v.text = ""
	if n == -1 {
		v.null = true
		return v, nil
	}
	if v.kind == kindMap {
		n *= 2
	}
	for range n {
		item, err := readValue(r)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
	}
	return v, nil
}

// String is the reply in the notation of the transcripts.
func (v value) String() string {
	switch {
	case v.null && v.kind == kindArray:
		return "null-array"
	case v.null || v.kind == kindNull:
		return "null"
	}
	switch v.kind {
	case kindBulk:
		return strconv.Quote(v.text)
	case kindVerbatim:
		return "text" + strconv.Quote(strings.TrimPrefix(v.text, "txt:"))
	case kindArray:
		return "[" + v.joined() + "]"
	case kindMap:
		return "{" + v.joined() + "}"
	case kindSet:
		return "set[" + v.joined() + "]"
	case kindPush:
		return "push[" + v.joined() + "]"
	}
	return string(v.kind) + v.text
}

func (v value) joined() string {
	texts := make([]string, len(v.items))
	for i, item := range v.items {
		texts[i] = item.String()
	}
	return strings.Join(texts, " ")
}

package resp

import (
	"io"
	"strconv"
)

// pairs is a RESP3 map, set is a RESP3 set, status a simple string, failure an error: what the tests
// must tell apart. Bulk and verbatim strings are strings, integers int64, nulls nil.
type (
	pairs   [][2]any
	set     []any
	status  string
	failure string
)

// reply reads one reply of either protocol.
func (p *peer) reply() any {
	p.t.Helper()
	line := p.line()
	kind, text := line[0], line[1:]
	n, err := strconv.Atoi(text)
	switch kind {
	case '+':
		return status(text)
	case '-':
		return failure(text)
	case '_':
		return nil
	}
	if err != nil {
		p.t.Fatalf("no number in %q", line)
	}
	switch kind {
	case ':':
		return int64(n)
	case '$', '=':
		return p.bulk(n)
	case '*':
		return p.list(n)
	case '~':
		return set(p.list(n))
	case '%':
		m := make(pairs, n)
		for i := range m {
			m[i] = [2]any{p.reply(), p.reply()}
		}
		return m
	}
	p.t.Fatalf("no reply begins with %q", kind)
	return nil
}

func (p *peer) bulk(n int) any {
	p.t.Helper()
	if n < 0 {
		return nil
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(p.in, b); err != nil {
		p.t.Fatal(err)
	}
	return string(b[:n])
}

func (p *peer) list(n int) []any {
	p.t.Helper()
	if n < 0 {
		return nil
	}
	list := make([]any, n)
	for i := range list {
		list[i] = p.reply()
	}
	return list
}

// ask sends a command and reads its reply.
func (p *peer) ask(line string) any {
	p.t.Helper()
	p.send(line)
	return p.reply()
}

package rest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// talk is one client with a connection, which it opens anew when sluice has ended it.
type talk struct {
	addr  string
	names names
	conn  net.Conn
	in    *bufio.Reader
}

// patience bounds one answer.
const patience = 30 * time.Second

func (t *talk) play(s *script) error {
	defer t.hangUp()
	for i := range s.turns {
		if err := t.turn(&s.turns[i]); err != nil {
			return fmt.Errorf("line %d: %s: %w", s.turns[i].line, s.turns[i].request.first, err)
		}
	}
	return nil
}

func (t *talk) hangUp() {
	if t.conn != nil {
		_ = t.conn.Close()
	}
	t.conn = nil
}

func (t *talk) turn(turn *turn) error {
	if t.conn == nil {
		conn, err := net.DialTimeout("tcp", t.addr, patience)
		if err != nil {
			return err
		}
		t.conn, t.in = conn, bufio.NewReader(conn)
	}
	if err := t.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	text := t.request(&turn.request)
	if _, err := t.conn.Write([]byte(text)); err != nil {
		return err
	}
	method, _, _ := strings.Cut(text, " ")
	answer, err := http.ReadResponse(t.in, &http.Request{Method: method})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := turn.expected.read(answer.Body)
	if err != nil {
		return err
	}
	if answer.Close || turn.expected.endless {
		t.hangUp() // also before the body is closed, which would wait for its end
	}
	return t.check(&turn.expected, answer, body)
}

// read is the body of an answer, as far as it is expected.
func (m *message) read(body io.Reader) (string, error) {
	if !m.endless {
		all, err := io.ReadAll(body)
		return string(all), err
	}
	text, lines := "", bufio.NewReader(body)
	for range strings.Count(m.body, "\n") + 1 {
		line, err := lines.ReadString('\n')
		if text += line; err != nil {
			return text, fmt.Errorf("after %q: %w", text, err)
		}
	}
	return text, nil
}

// request is the bytes of a request.
func (t *talk) request(m *message) string {
	text, body := t.names.fill(m.first), t.names.fill(m.body)
	if !strings.Contains(m.first, " HTTP/") {
		text += " HTTP/1.1"
	}
	fields := slices.Clone(m.fields)
	if !m.has("Host") {
		fields = append(fields, "Host: localhost")
	}
	if m.inBody && !m.has("Content-Length") && !m.has("Transfer-Encoding") {
		fields = append(fields, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	for _, field := range fields {
		text += "\r\n" + t.names.fill(field)
	}
	return text + "\r\n\r\n" + body
}

func (t *talk) check(want *message, got *http.Response, body string) error {
	if fmt.Sprint(got.StatusCode) != want.first {
		return fmt.Errorf("answered %d, not %s: %s", got.StatusCode, want.first, body)
	}
	for _, field := range want.fields {
		key, value, _ := strings.Cut(field, ": ")
		if err := t.names.match(value, got.Header.Get(key)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return t.names.match(want.body, strings.TrimSuffix(body, "\n"))
}

//go:build matrix

package shippers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// wire is a connection on which a shipper is played. Errors of it are those of the network.
type wire struct {
	net.Conn

	in *bufio.Reader
}

// dial connects. Whatever takes longer than timeout afterwards fails.
func dial(addr string, timeout time.Duration) (*wire, error) {
	conn, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	return &wire{conn, bufio.NewReader(conn)}, nil
}

// end closes the connection, if there is one.
func (w *wire) end() {
	if w != nil {
		_ = w.Close()
	}
}

// refusal is an error answer.
type refusal string

func (r refusal) Error() string { return string(r) }

// command is what the clients of all these shippers write: an array of bulk strings.
func command(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}

// pipeline is several commands in one write.
func pipeline(commands ...[]string) string {
	var b strings.Builder
	for _, c := range commands {
		b.WriteString(command(c...))
	}
	return b.String()
}

// pushes are commands of a single value each.
func pushes(name, key string, values []string) (commands [][]string) {
	for _, value := range values {
		commands = append(commands, []string{name, key, value})
	}
	return commands
}

// write sends bytes as they are.
func (w *wire) write(text string) error {
	_, err := io.WriteString(w.Conn, text)
	return err
}

// ask sends a command and reads its answer. An error answer is a refusal.
func (w *wire) ask(args ...string) (any, error) {
	if err := w.write(command(args...)); err != nil {
		return nil, err
	}
	return w.answer()
}

// answers reads n answers, with refusals among them. It fails only with the network.
func (w *wire) answers(n int) (all []any, err error) {
	for len(all) < n {
		one, err := w.value()
		if err != nil {
			return all, err
		}
		all = append(all, one)
	}
	return all, nil
}

// answer reads an answer. An error answer is a refusal.
func (w *wire) answer() (any, error) {
	one, err := w.value()
	if err != nil {
		return nil, err
	}
	if r, refused := one.(refusal); refused {
		return nil, r
	}
	return one, nil
}

// value reads an answer: status (a simple string), refusal, int64, string, []any, or nil.
func (w *wire) value() (any, error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, text := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+':
		return status(text), nil
	case '-':
		return refusal(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, err
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil //nolint:nilnil // Redis' null
	case kind == '$':
		bytes := make([]byte, n+2)
		_, err := io.ReadFull(w.in, bytes)
		return string(bytes[:n]), err
	case kind == '*':
		return w.answers(int(n))
	}
	return nil, fmt.Errorf("answer %q", line)
}

// status is a simple string.
type status string

// firstRefusal is the first error among answers, those inside of EXEC's included.
func firstRefusal(answers []any) error {
	for _, a := range answers {
		switch a := a.(type) {
		case refusal:
			return a
		case []any:
			if err := firstRefusal(a); err != nil {
				return err
			}
		}
	}
	return nil
}

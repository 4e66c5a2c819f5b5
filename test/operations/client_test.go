package operations

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answerPatience is longer than sluice's own, so that it is sluice that gives up.
const answerPatience = 40 * time.Second

// client is a raw connection to the proxy: nothing between the test and the wire tries again.
type client struct {
	net.Conn

	in *bufio.Reader
}

// refused is an answer that is an error.
type refused string

func (r refused) Error() string { return string(r) }

// dial connects from a source address that the number chooses, so that thousands of short connections
// do not run out of ports.
func dial(ctx context.Context, addr string, number int) (*client, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(number%250+1))}
	conn, err := (&net.Dialer{LocalAddr: from, Timeout: answerPatience}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 4096)}, nil
}

// connect is dial for a test; a name, if any, is the client's.
func connect(t *testing.T, ctx context.Context, addr, name string) *client {
	t.Helper()
	c, err := dial(ctx, addr, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if name != "" {
		if _, err := c.do("CLIENT", "SETNAME", name); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// encode is a command as an array.
func encode(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}

// do sends one command and returns its answer; an error that the proxy answered is of type refused.
func (c *client) do(args ...string) (any, error) {
	if err := c.send(encode(args...)); err != nil {
		return nil, err
	}
	return c.answer()
}

func (c *client) send(commands string) error {
	if err := c.SetDeadline(time.Now().Add(answerPatience)); err != nil {
		return err
	}
	_, err := io.WriteString(c.Conn, commands)
	return err
}

// answer reads one reply: int64, string, []any, or nil.
func (c *client) answer() (any, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return nil, errors.New("empty line")
	}
	switch rest := line[1:]; line[0] {
	case '+':
		return rest, nil
	case '-':
		return nil, refused(rest)
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$', '*':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		if line[0] == '$' {
			return c.bulk(n)
		}
		return c.array(n)
	}
	return nil, fmt.Errorf("unexpected %q", line)
}

func (c *client) bulk(n int) (any, error) {
	text := make([]byte, n+2)
	_, err := io.ReadFull(c.in, text)
	return string(text[:n]), err
}

func (c *client) array(n int) (any, error) {
	list := make([]any, n)
	for i := range list {
		var err error
		if list[i], err = c.answer(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// record is what the test looks at of a record that came.
type record struct {
	place partition
	value string
	at    int64
}

type partition struct {
	topic  string
	number int64
}

func (r record) String() string { return fmt.Sprintf("%s:%d:%d", r.place.topic, r.place.number, r.at) }

// next asks for records: none when none came in time. key is that of BLPOP, the timeout in seconds.
func (c *client) next(key, timeout string) ([]record, error) {
	reply, err := c.do("BLPOP", key, timeout)
	if err != nil || reply == nil {
		return nil, err
	}
	list := reply.([]any)
	if _, single := list[0].(string); single {
		list = []any{list}
	}
	records := make([]record, len(list))
	for i, one := range list {
		fields := one.([]any)
		records[i] = record{partition{fields[1].(string), fields[3].(int64)}, fields[7].(string), fields[5].(int64)}
	}
	return records, nil
}

//go:build matrix

package redis

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// stepPatience bounds one step. The longest known is a client that asks eleven times, five seconds each.
const stepPatience = 3 * time.Minute

// run is one client with one version of the protocol.
type run struct {
	t *testing.T
	*world
	client
	command  []string
	protocol int
	shape    string // of the listener that its own BLPOP understands
	typed    bool   // whether there is such a listener
}

// said is what one step printed.
type said struct {
	lines  [][]string
	stderr string
	err    error // of a status that is not 0, with the end of stderr
}

// of are the lines of one kind, without it.
func (s said) of(kind string) (lines [][]string) {
	for _, line := range s.lines {
		if line[0] == kind {
			lines = append(lines, line[1:])
		}
	}
	return lines
}

// first is the first field of the first line of a kind, "" when there is none.
func (s said) first(kind string) string {
	for _, line := range s.of(kind) {
		if len(line) > 0 {
			return line[0]
		}
	}
	return ""
}

// none is why the client has no call for what, and whether that is so.
func (s said) none(what string) (why string, none bool) {
	for _, line := range s.of("none") {
		if line[0] == what {
			return strings.Join(line[1:], " "), true
		}
	}
	return "", false
}

// name is what a step calls its topic and its group, like nobody else.
func (r *run) name(step string) string {
	letters := strings.NewReplacer(" ", "-", "(", "", ")", "", ",", "", "/", "-").Replace(strings.ToLower(r.client.name))
	return fmt.Sprintf("%s-%s-resp%d-%s", letters, r.version, r.protocol, step)
}

// step is the command of a step, with what it is told.
func (r *run) step(ctx context.Context, d *doors, shape, step, topic string) *exec.Cmd {
	host, port, err := net.SplitHostPort(d.addr[shape])
	if err != nil {
		r.t.Fatal(err)
	}
	typed := "0"
	if r.typed {
		typed = "1"
	}
	command := append(append([]string{}, r.command...), step)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "HOST="+host, "PORT="+port, "PASSWORD="+password, fmt.Sprintf("PROTOCOL=%d", r.protocol),
		"NAME="+topic+":w", "GROUP="+topic, "TOPIC="+topic, "KEY=topics:"+topic, "TYPED="+typed)
	return cmd
}

// play runs a step to its end at the listener of a shape, on a topic that holds values.
func (r *run) play(shape, step string, values ...string) (topic string, out said) {
	r.t.Helper()
	topic = r.name(step + shape)
	r.topic(r.t, topic, values...)
	ctx, cancel := context.WithTimeout(r.t.Context(), stepPatience)
	defer cancel()
	cmd := r.step(ctx, r.proxy, shape, step, topic)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	out.end(ctx, cmd.Run(), &stdout, &stderr)
	return topic, out
}

// playRestart runs the step restart; meanwhile is done when the program says that it is ready.
func (r *run) playRestart(d *doors, topic string, meanwhile func()) (out said) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), stepPatience)
	defer cancel()
	cmd := r.step(ctx, d, r.shape, "restart", topic)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	var printed bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(stdout, &printed))
	for lines.Scan() {
		if lines.Text() == "ready" {
			meanwhile()
			fmt.Fprintln(stdin, "go on")
		}
	}
	out.end(ctx, cmd.Wait(), &printed, &stderr)
	return out
}

// end takes what a program printed until it ended.
func (s *said) end(ctx context.Context, err error, stdout, stderr *bytes.Buffer) {
	s.stderr = stderr.String()
	for line := range strings.Lines(stdout.String()) {
		s.lines = append(s.lines, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	const most = 2_000
	tail := s.stderr[max(0, len(s.stderr)-most):]
	switch {
	case ctx.Err() != nil:
		s.err = fmt.Errorf("it did not end within %s: %s", stepPatience, tail)
	case err != nil:
		s.err = fmt.Errorf("%w: %s", err, tail)
	}
}

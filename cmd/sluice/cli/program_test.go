package cli

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/systemd"
)

// asProgram makes the test binary behave as sluice, so that signals and exit statuses are real.
const asProgram = "SLUICE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Run(os.Args[1:], Env{
			Version: "development", Out: os.Stdout, Err: os.Stderr, Journal: systemd.JournalStream(os.Stderr),
		}))
	}
	os.Exit(m.Run())
}

const patience = 30 * time.Second

// program is a sluice process with its output so far, of both streams.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	more chan struct{} // has a value when it has said something new

	mu   sync.Mutex
	said strings.Builder
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	if args[0] == "serve" && !slices.Contains(args, "--management") {
		args = append(args, "--management", "") // many run at once
	}
	if args[0] == "serve" && !slices.Contains(args, "--http") {
		args = append(args, "--http", "")
	}
	p := newProgram(t, args...)
	p.cmd.Stderr = p
	p.start()
	return p
}

// newProgram makes a program without starting it. Only its stdout is read.
func newProgram(t *testing.T, args ...string) *program {
	p := &program{t: t, cmd: exec.Command(os.Args[0], args...), done: make(chan struct{}), more: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout = p
	return p
}

func (p *program) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
}

// Write is io.Writer's: it receives the output.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	return p.said.Write(b)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// says waits until the output matches the pattern, and returns its last group.
func (p *program) says(pattern string) string {
	p.t.Helper()
	want := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		if found := want.FindStringSubmatch(p.output()); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-p.more:
		case <-p.done:
			p.t.Fatalf("ended without saying %q:\n%s", pattern, p.output())
		case <-late:
			p.t.Fatalf("has not said %q:\n%s", pattern, p.output())
		}
	}
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) endsWith(status int) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("still runs:\n%s", p.output())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("exit status %d, want %d:\n%s", got, status, p.output())
	}
}

// talk sends inline commands, and returns the connection with a reader of its replies.
func talk(t *testing.T, address, commands string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, commands); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func expect(t *testing.T, replies *bufio.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(replies, got); err != nil || string(got) != want {
		t.Fatalf("reply %q (%v), want %q", got[:n], err, want)
	}
}

// freeAddress returns an address without a listener.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

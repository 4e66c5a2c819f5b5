package main

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
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test binary behave as sluice, so that signals and exit statuses are real.
const asProgram = "SLUICE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

const patience = 30 * time.Second

// program is a running sluice and what it has said so far, on either stream.
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

// newProgram is one that has not been started, and says on stdout only.
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

// Write takes what the program says.
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

// says waits until the pattern shows up, and returns its first group.
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

// talk sends inline commands and returns the connection's replies.
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

// freeAddress is one that nobody listens at, for as long as nobody else takes it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const (
	redisOpen      = `door open" door=resp address=(127\.0\.0\.1:\d+)`
	managementOpen = `door open" door=management address=(127\.0\.0\.1:\d+)`
)

func TestServeWithABrokerInside(t *testing.T) {
	p := startProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "--state-dir", t.TempDir())
	broker := p.says(`embedded broker started" address=(127\.0\.0\.1:\d+)`)
	address := p.says(redisOpen)
	_, port, _ := net.SplitHostPort(address)
	p.says(`redis-cli -p ` + port + ` RPUSHX topics:greetings "Hello there!"`)

	_, replies := talk(t, address, "RPUSHX topics:greetings \"Hello there!\"\r\nDUMP 10000\r\n")
	expect(t, replies, ":1\r\n:0\r\n")
	status, out, errors := command("topics", "--brokers", broker)
	if want := "TOPIC      PARTITIONS  RECORDS\ngreetings  1           1\n"; status != exitOK || out != want {
		t.Errorf("sluice topics: status %d\n%s%s", status, out, errors)
	}
	status, _, errors = command("topics", "describe", "nothing", "--brokers", broker)
	if status != exitFailed || !strings.Contains(errors, "nothing") {
		t.Errorf("sluice topics describe nothing: status %d, %s", status, errors)
	}
	p.signal(syscall.SIGTERM)
	p.endsWith(exitOK)
	p.says("msg=stopped")
}

func TestTheDoorsOpenWithoutABroker(t *testing.T) {
	p := startProgram(t, "serve", "--brokers", freeAddress(t), "--resp", "127.0.0.1:0")
	_, replies := talk(t, p.says(redisOpen), "PING\r\n")
	expect(t, replies, "+PONG\r\n")
	p.says("no broker answers: the doors are open")
	p.signal(syscall.SIGINT)
	p.endsWith(exitOK)
}

func TestARecordThatReachesNoBrokerIsNamedAtTheEnd(t *testing.T) {
	p := startProgram(t, "serve", "--brokers", freeAddress(t), "--resp", "127.0.0.1:0")
	_, replies := talk(t, p.says(redisOpen), "RPUSHX topics:greetings x\r\n")
	expect(t, replies, ":1\r\n")
	p.signal(syscall.SIGTERM)
	p.says("draining")
	p.signal(syscall.SIGTERM)
	p.endsWith(exitFailed)
	p.says(`sluice: .*1 record`)
}

func TestASecondSignalCutsWhoStillOwes(t *testing.T) {
	config := write(t, "sluice.yaml", "drain_grace: 1h\n")
	p := startProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "-c", config)
	_, replies := talk(t, p.says(redisOpen), "RPUSH topics:t x\r\nCLIENT SETNAME g:m\r\nBLPOP topics:t 20\r\n")
	expect(t, replies, ":1\r\n+OK\r\n*8\r\n")
	p.signal(syscall.SIGTERM)
	p.says("draining; a second signal cuts")
	p.signal(syscall.SIGTERM)
	p.says("second signal")
	p.says("connections=1")
	p.endsWith(exitOK)
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := startProgram(t, "serve", "--embedded", "--resp", taken.Addr().String())
	p.endsWith(exitFailed)
	p.says(`sluice: resp\.address: listen tcp .*: address already in use`)
}

package systemd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// manager is the service manager: it reads NOTIFY_SOCKET.
type manager struct {
	t  *testing.T
	fd int
}

// newManager listens at address and sets NOTIFY_SOCKET. @name is an abstract socket.
func newManager(t *testing.T, address string) manager {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: address}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", address)
	return manager{t, fd}
}

// messages returns the messages sent so far. It does not wait: a datagram has arrived when its sender's write returns.
func (m manager) messages() []string {
	m.t.Helper()
	var all []string
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(m.fd, buffer, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			return all
		}
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, string(buffer[:n]))
	}
}

func (m manager) expect(want ...string) {
	m.t.Helper()
	if got := m.messages(); !slices.Equal(got, want) {
		m.t.Fatalf("systemd received\n%q\nwant\n%q", got, want)
	}
}

func open(t *testing.T) *Notifier {
	t.Helper()
	n, err := NewNotifier()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func TestTheMessagesOfALife(t *testing.T) {
	addresses := map[string]string{
		"path":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@sluice-test-%d", os.Getpid()),
	}
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, address)
			n := open(t)
			n.Extend(10 * time.Second)
			n.Ready("serving")
			n.Extend(1500 * time.Millisecond)
			n.Stopping("draining")
			n.Failed(fmt.Errorf("resp.address: %w", os.NewSyscallError("bind", syscall.EADDRINUSE)))
			n.Failed(io.ErrUnexpectedEOF)
			m.expect(
				"EXTEND_TIMEOUT_USEC=10000000",
				"READY=1\nSTATUS=serving",
				"EXTEND_TIMEOUT_USEC=1500000",
				"STOPPING=1\nSTATUS=draining",
				"ERRNO=98\nSTATUS=resp.address: bind: address already in use",
				"STATUS=unexpected EOF",
			)
		})
	}
}

func TestReloadingCarriesTheMonotonicClock(t *testing.T) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	n := open(t)
	before := monotonicMicroseconds(t)
	n.Reloading()
	after := monotonicMicroseconds(t)

	messages := m.messages()
	if len(messages) != 1 {
		t.Fatalf("%q is not one message", messages)
	}
	value, found := strings.CutPrefix(messages[0], "RELOADING=1\nMONOTONIC_USEC=")
	if !found {
		t.Fatalf("%q", messages[0])
	}
	stamp, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if stamp < before || stamp > after {
		t.Errorf("MONOTONIC_USEC=%d is not between %d and %d", stamp, before, after)
	}
}

func monotonicMicroseconds(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return now.Nano() / 1000
}

func TestChildrenDoNotInheritTheSocket(t *testing.T) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	n := open(t)
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if value, found := os.LookupEnv(name); found {
			t.Errorf("%s=%s is still in the environment", name, value)
		}
	}
	n.Ready("serving")
	m.expect("READY=1\nSTATUS=serving")
}

func TestOutsideOfSystemdNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := open(t)
	n.Ready("serving")
	n.Status("serving 1 client")
	n.Status("serving 2 clients")
	n.Reloading()
	n.Failed(io.EOF)
	n.Close()
}

func TestWhatCannotBeUnderstoodIsAnError(t *testing.T) {
	for name, environment := range map[string][2]string{
		"no unix socket":       {"NOTIFY_SOCKET", "vsock:2:1234"},
		"a watchdog of no use": {"WATCHDOG_USEC", "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
			t.Setenv(environment[0], environment[1])
			if _, err := NewNotifier(); err == nil || !strings.Contains(err.Error(), environment[0]) {
				t.Errorf("%v does not name %s", err, environment[0])
			}
		})
	}
}

func TestAStatusNeedsNoListener(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	n := open(t)
	n.Ready("serving")
}

// pass moves the clock of the bubble by d, and waits for what is due.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestStatusIsSentOnceASecondAndTheLastArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, filepath.Join(t.TempDir(), "notify"))
		n := open(t)
		n.Status("1 client")
		n.Status("1 client")
		m.expect("STATUS=1 client")
		for clients := 2; clients < 100; clients++ {
			n.Status(fmt.Sprint(clients, " clients"))
		}
		pass(999 * time.Millisecond)
		m.expect()
		pass(time.Millisecond)
		m.expect("STATUS=99 clients")
		pass(time.Hour)
		n.Status("99 clients")
		m.expect()
		n.Status("100 clients")
		m.expect("STATUS=100 clients")
	})
}

func TestAStatusThatWentBackIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, filepath.Join(t.TempDir(), "notify"))
		n := open(t)
		n.Status("1 client")
		n.Status("2 clients")
		n.Status("1 client")
		pass(time.Minute)
		m.expect("STATUS=1 client")
	})
}

func TestAnOldStatusDoesNotFollowANewerMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, filepath.Join(t.TempDir(), "notify"))
		n := open(t)
		n.Status("1 client")
		n.Status("2 clients")
		n.Stopping("draining 2 clients")
		pass(time.Minute)
		m.expect("STATUS=1 client", "STOPPING=1\nSTATUS=draining 2 clients")
	})
}

func TestCloseSendsTheStatusThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, filepath.Join(t.TempDir(), "notify"))
		n := open(t)
		n.Status("1 client")
		n.Status("2 clients")
		n.Close()
		m.expect("STATUS=1 client", "STATUS=2 clients")
		n.Status("3 clients")
		pass(time.Minute)
		m.expect()
	})
}

func TestAStatusIsOneFieldOfOneMessage(t *testing.T) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	n := open(t)
	n.Ready("a\nWATCHDOG=trigger\x1b[1m\xff")
	m.expect("READY=1\nSTATUS=a; WATCHDOG=trigger [1m?")

	n.Ready(strings.Repeat("ä", 100_000))
	message := m.messages()[0]
	if len(message) > 1024 || !utf8.ValidString(message) || !strings.HasSuffix(message, "ä...") {
		t.Errorf("%d bytes, ending in %q", len(message), message[len(message)-8:])
	}
}

func TestAManagerThatDoesNotReadHoldsNobodyForLong(t *testing.T) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	n := open(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		began := time.Now()
		for time.Since(began) < sendTimeout { // fills the socket's queue, and then waits once
			n.Extend(time.Second)
		}
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		m.messages() // makes room, or Close would wait as well
		t.Fatal("a message waits for ever")
	}
}

// patience is how long the test waits for what must come.
const patience = 20 * time.Second

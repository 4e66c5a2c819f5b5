package management

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/server"
)

// patient is a server that waits for its callers for ever.
func patient(t *testing.T, sources Sources) *Server {
	t.Helper()
	s := New(sources, testLog(t))
	s.open.ReadHeaderTimeout, s.open.ReadTimeout, s.open.IdleTimeout = 0, 0, 0
	return s
}

func wantOK(t *testing.T, conn net.Conn, in io.Reader, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(in, status); err != nil || string(status) != "HTTP/1.1 200" {
		t.Errorf("%s: %q %v", path, status, err)
	}
}

// Callers that say nothing, or never come to the end of it, hold nobody up: the first of them gives way.
func TestSilentCallersGiveWay(t *testing.T) {
	for name, words := range map[string]string{"silent": "", "dripping": "GET /healthz HT", "idle": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			s := patient(t, Sources{})
			address := listen(t, "tcp", "127.0.0.1:0", s.Serve, s)
			var first net.Conn
			for range 2 * maxConnections {
				conn, _ := dial(t, address)
				if _, err := io.WriteString(conn, words); err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = conn
				}
			}
			conn, in := dial(t, address)
			wantOK(t, conn, in, "/healthz")
			if _, err := io.ReadAll(first); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("the first is still there: %v", err)
			}
		})
	}
}

// Who is being answered does not give way to those who say nothing.
func TestCallersThatAreAnsweredStay(t *testing.T) {
	began, answer := make(chan struct{}), make(chan struct{})
	s := patient(t, Sources{NotReady: func() []string {
		close(began)
		<-answer
		return nil
	}})
	address := listen(t, "tcp", "127.0.0.1:0", s.Serve, s)
	conn, in := dial(t, address)
	if _, err := io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-began
	for range 2 * maxConnections {
		dial(t, address)
	}
	other, otherIn := dial(t, address)
	wantOK(t, other, otherIn, "/healthz")
	close(answer)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("%q %v", line, err)
	}
}

// With no descriptor left in the process, the ones that were held back serve who asks how it is.
func TestCallersAreAnsweredWithoutDescriptors(t *testing.T) {
	s := New(Sources{}, testLog(t))
	address := listen(t, "tcp", "127.0.0.1:0", s.Serve, s)
	var addr unix.SockaddrInet4
	if _, err := fmt.Sscanf(address, "127.0.0.1:%d", &addr.Port); err != nil {
		t.Fatal(err)
	}
	addr.Addr = [4]byte{127, 0, 0, 1}
	var callers []int
	for range 4 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		callers = append(callers, fd)
	}
	defer exhaust(t)()
	if !server.Scarce() {
		t.Error("there are descriptors for clients")
	}
	for _, fd := range callers {
		if err := unix.Connect(fd, &addr); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(longest / time.Second)}); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, []byte("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		status := make([]byte, 12)
		if n, err := unix.Read(fd, status); err != nil || string(status[:n]) != "HTTP/1.1 200" {
			t.Fatalf("%q %v", status[:n], err)
		}
	}
}

// exhaust uses up all descriptors of the process until restore is called.
func exhaust(t *testing.T) (restore func()) {
	t.Helper()
	var limit, small syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	small = syscall.Rlimit{Cur: 1024, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &small); err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	return func() {
		for _, fd := range taken {
			_ = unix.Close(fd)
		}
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

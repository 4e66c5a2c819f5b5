package systemd

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inheritChild is a child that writes a line for each inherited listener, or the error.
func inheritChild() {
	listeners, err := Inherited("resp", "http", "management")
	if err != nil {
		fmt.Fprintln(os.Stdout, "error:", err)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(listeners)) {
		for _, l := range listeners[name] {
			fmt.Fprintln(os.Stdout, name, l.Addr())
		}
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if _, found := os.LookupEnv(name); found {
			fmt.Fprintln(os.Stdout, "still in the environment:", name)
		}
	}
	if again, err := Inherited("resp"); len(again) > 0 || err != nil {
		fmt.Fprintln(os.Stdout, "inherited twice:", again, err)
	}
	fmt.Fprintln(os.Stdout, "done")
}

// serveChild is a child that echoes one connection of an inherited listener.
func serveChild() {
	listeners, err := Inherited("resp")
	if err != nil {
		panic(err)
	}
	conn, err := listeners["resp"][0].Accept()
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(conn, conn)
	conn.Close()
	listeners["resp"][0].Close()
}

// inheritance starts a child as systemd does: LISTEN_PID is the process id, set between fork and exec.
func inheritance(t *testing.T, child, names string, files ...*os.File) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	cmd.Env = []string{
		childVariable + "=" + child, "GORACE=atexit_sleep_ms=0",
		fmt.Sprint("LISTEN_FDS=", len(files)), "LISTEN_FDNAMES=" + names,
	}
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	return cmd
}

func inherited(t *testing.T, names string, files ...*os.File) string {
	t.Helper()
	said, err := inheritance(t, "inherit", names, files...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

// fileOf returns a new descriptor of a listener or connection.
func fileOf(t *testing.T, of interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	file, err := of.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func listenTCP(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestListenersComeByName(t *testing.T) {
	first, second, third := listenTCP(t), listenTCP(t), listenTCP(t)
	said := inherited(t, "management:http:management", fileOf(t, first), fileOf(t, second), fileOf(t, third))
	want := fmt.Sprintf("http %v\nmanagement %v\nmanagement %v\ndone\n", second.Addr(), first.Addr(), third.Addr())
	if said != want {
		t.Errorf("the child said\n%s\nwant\n%s", said, want)
	}
}

func TestAnInheritedListenerServes(t *testing.T) {
	l := listenTCP(t)
	child := inheritance(t, "serve", "resp", fileOf(t, l))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	// The kernel keeps the connection and its data until the child accepts.
	expectEcho(t, l.Addr())
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
}

// systemd owns the socket in the file system: it must stay for the next process.
func TestAUnixSocketOutlivesItsService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resp")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	child := inheritance(t, "serve", "resp", fileOf(t, l))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	expectEcho(t, l.Addr())
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func expectEcho(t *testing.T, addr net.Addr) {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "ping" {
		t.Fatalf("%q, %v", answer, err)
	}
}

func TestSocketsThatNobodyServesAreNamed(t *testing.T) {
	door := fileOf(t, listenTCP(t))
	datagrams, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	listener := listenTCP(t)
	connected, err := net.DialTCP("tcp", nil, listener.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	plain, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()

	for name, c := range map[string]struct {
		names string
		file  *os.File
		want  string
	}{
		"an unknown name":   {"resp:redis", door, `inherited socket "redis" (descriptor 4): nobody serves that name; FileDescriptorName= may be resp, http, management`},
		"no name":           {"resp", door, `inherited socket "LISTEN_FD_4" (descriptor 4): nobody serves that name`},
		"datagrams":         {"resp:http", fileOf(t, datagrams), `inherited socket "http" (descriptor 4): does not listen for streams`},
		"a connection":      {"resp:http", fileOf(t, connected), `inherited socket "http" (descriptor 4): does not listen for streams`},
		"not even a socket": {"resp:http", plain, `inherited socket "http" (descriptor 4): socket operation on non-socket`},
	} {
		t.Run(name, func(t *testing.T) {
			if said := inherited(t, c.names, door, c.file); !strings.HasPrefix(said, "error: "+c.want) {
				t.Errorf("the child said\n%s\nwant\n%s", said, c.want)
			}
		})
	}
}

func TestEverySocketThatNobodyServesIsNamed(t *testing.T) {
	door := fileOf(t, listenTCP(t))
	said := inherited(t, "a:resp:b", door, door, door)
	if !strings.Contains(said, `"a" (descriptor 3)`) || !strings.Contains(said, `"b" (descriptor 5)`) {
		t.Errorf("the child said\n%s", said)
	}
}

func TestSocketsOfAnotherProcessAreLeftAlone(t *testing.T) {
	t.Setenv("LISTEN_PID", fmt.Sprint(os.Getppid()))
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_FDNAMES", "resp")
	if listeners, err := Inherited("resp"); len(listeners) > 0 || err != nil {
		t.Errorf("%v, %v", listeners, err)
	}
}

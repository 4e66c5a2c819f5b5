package limits

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// idleCost is what is promised; a buffer that an idle connection keeps would break it at twice this size.
const idleCost = 15 << 10

// Ten thousand connections that have said something once and are silent now.
func TestIdleConnections(t *testing.T) {
	n := manyConnections(t)
	p := serve(t, fmt.Sprintf("resp: {max_clients: %d}", n+10))
	before := p.cost(t)
	idle := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	pong := make([]byte, len("+PONG\r\n"))
	for range n {
		c, err := net.Dial("tcp", p.Addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
		if _, err := io.WriteString(c, "PING\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, pong); err != nil {
			t.Fatal(err)
		}
	}
	p.settleDown(t)
	each := (p.cost(t).rss - before.rss) / n
	t.Logf("%d idle connections cost %d bytes each", n, each)
	if each > idleCost {
		t.Errorf("an idle connection costs %d bytes, more than %d", each, idleCost)
	}
	p.witness(t).ping()
}

// manyConnections is 10 000, or as many as this process may open.
func manyConnections(t *testing.T) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	n := min(10_000, int(limit.Max)-500)
	if n < 10_000 {
		t.Logf("RLIMIT_NOFILE of %d allows only %d connections", limit.Max, n)
	}
	return n
}

// One too many gets Redis' words, however often it tries; the others never notice.
func TestMaxClients(t *testing.T) {
	t.Parallel()
	p := serve(t, "resp: {max_clients: 3}")
	p.until(t, func() error { return p.alone(t) })
	first := p.dial(t)
	first.ping()
	p.attack(t, 16*mebi, func() { // with its witness there are two
		p.dial(t).ping()
		for range 300 {
			c := p.dial(t)
			if got := c.last(); got != "-ERR max number of clients reached\r\n" {
				t.Fatalf("got %q", got)
			}
			c.Close()
		}
		first.ping()
	})
}

// alone is nil once the proxy has noticed that earlier connections are gone.
func (p *proxy) alone(t *testing.T) error {
	if n := strings.Count(p.clients(t), "id="); n != 1 {
		return fmt.Errorf("%d clients", n)
	}
	return nil
}

// Without descriptors the proxy goes on serving those it has, rests between its attempts to accept, and tells who asks how
// it is.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	p := serve(t)
	old := p.maxDescriptors(t, p.descriptors(t)+8)
	before := p.cpu(t)
	p.attack(t, 16*mebi, func() {
		waiting := make([]*client, 0, 30)
		for range cap(waiting) {
			waiting = append(waiting, p.dial(t)) // the kernel accepts, the proxy may not
		}
		waiting[0].ping()
		p.settleDown(t)
		for _, path := range []string{"/healthz", "/metrics", "/status"} {
			if status, body, err := p.Get(p.ctx, path); err != nil || status != http.StatusOK {
				t.Errorf("%s: %d %v %s", path, status, err, body)
			}
		}
		p.maxDescriptors(t, old)
		for _, c := range waiting {
			c.ping()
		}
	})
	if used := p.cpu(t) - before; used > time.Second {
		t.Errorf("waiting for descriptors took %s of CPU", used)
	}
}

// maxDescriptors changes the proxy's own limit and returns what it was.
func (p *proxy) maxDescriptors(t *testing.T, n int) int {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(n), Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return int(old.Cur)
}

// A peer that is gone without a word is found by the kernel: its keepalive timer runs, and ends
// within a minute.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	p := serve(t)
	c := p.dial(t)
	c.ping()
	p.until(t, func() error { // right after a reply, the timer is that of its retransmission
		kind, left, err := timer(p, c.LocalAddr().(*net.TCPAddr).Port)
		if err == nil && (kind != keepaliveTimer || left > 30*time.Second) {
			err = fmt.Errorf("timer %s, %s left", kind, left)
		}
		return err
	})
}

// keepaliveTimer is how proc(5)'s net/tcp shows it.
const keepaliveTimer = "02"

// timer reads the timer of the proxy's end of a connection from /proc/net/tcp: kind and time left.
func timer(p *proxy, port int) (kind string, left time.Duration, err error) {
	_, own, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return "", 0, err
	}
	listening, err := strconv.Atoi(own)
	if err != nil {
		return "", 0, err
	}
	ends := fmt.Sprintf("0100007F:%04X 0100007F:%04X", listening, port)
	table, err := readFile(fmt.Sprintf("/proc/%d/net/tcp", p.PID()))
	if err != nil {
		return "", 0, err
	}
	for line := range strings.Lines(table) {
		if !strings.Contains(line, ends) {
			continue
		}
		kind, when, _ := strings.Cut(strings.Fields(line)[5], ":")
		n, err := strconv.ParseInt(when, 16, 64)
		return kind, time.Duration(n) * time.Second / ticks, err
	}
	return "", 0, errors.New("the connection is not in the table")
}

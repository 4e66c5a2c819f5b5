package resp

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/test/parallel"
)

// patience bounds what a test waits for.
const patience = 20 * time.Second

// brokers is a fake cluster that all tests share, and that creates topics as they are produced to.
var brokers []string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		panic(err)
	}
	brokers = cluster.ListenAddrs()
	parallel.Waiting()
	status := m.Run()
	cluster.Close()
	if err := goleak.Find(); err != nil && status == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return status
}

// door is a server on loopback, before the fake cluster or another one.
type door struct {
	*Server

	addr string
}

func open(t *testing.T, opts Options, brokers ...string) *door {
	t.Helper()
	cfg := kafka.Defaults()
	cfg.Brokers = brokers
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	client, err := kafka.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	server := New(client, opts, log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener, ListenerOptions{}) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cut, stop := context.WithCancel(ctx)
		stop() // no grace
		server.Drain(cut)
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = client.Close(ctx) // what a test left undelivered is its own affair
	})
	return &door{Server: server, addr: listener.Addr().String()}
}

// peer is a raw client.
type peer struct {
	net.Conn

	t  *testing.T
	in *bufio.Reader
}

func (d *door) dial(t *testing.T) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &peer{conn, t, bufio.NewReader(conn)}
}

// send writes inline commands.
func (p *peer) send(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		p.t.Fatal(err)
	}
}

// says sends inline commands and checks the lines that come back.
func (p *peer) says(line string, want ...string) {
	p.t.Helper()
	p.send(line)
	p.hears(want...)
}

func (p *peer) hears(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.line(); got != w {
			p.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

func (p *peer) line() string {
	p.t.Helper()
	line, err := p.in.ReadString('\n')
	if err != nil {
		p.t.Fatalf("read %q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

// rest is all that comes until the server closes.
func (p *peer) rest() string {
	p.t.Helper()
	b, err := io.ReadAll(p.in)
	if err != nil {
		p.t.Fatalf("not closed: %v", err)
	}
	return string(b)
}

// eventually waits for what has no event.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !check(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never: " + what)
		}
	}
}

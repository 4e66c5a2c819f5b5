package rest

import (
	"bytes"
	"context"
	commandline "flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/sluice-proxy/sluice/kafka"
)

// patience bounds what a test waits for.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		status = 1
	}
	if missing := theContract().neverShown(); status == 0 && everyTestRan() && len(missing) > 0 {
		_, _ = os.Stderr.WriteString("in openapi.json, but no test got it:\n" + strings.Join(missing, "\n") + "\n")
		status = 1
	}
	os.Exit(status)
}

func everyTestRan() bool {
	for _, chosen := range []string{"test.run", "test.skip", "test.list", "test.bench", "test.fuzz"} {
		if f := commandline.Lookup(chosen); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// sluice is a client and an HTTP door before a cluster of its own, all real but the cluster, which
// speaks Kafka's protocol. It has the topics orders, of three partitions, and blobs, of one.
type sluice struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kafka.Client
	door    *Server
	addr    string
	http    *http.Client // checks every answer against the document
	spoken  sync.Map     // what was written, by the *bufio.Reader of what comes back
}

func start(t *testing.T, opts Options) *sluice {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"), kfake.SeedTopics(1, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := kafka.Defaults()
	cfg.Brokers = cluster.ListenAddrs()
	client, err := kafka.Open(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &sluice{t: t, cluster: cluster, client: client, door: New(client, opts, testLog(t))}
	t.Cleanup(func() {
		_ = client.Close(within(t, patience)) // what a test left undelivered is its own affair
	})
	s.open()
	return s
}

// open opens the door until the test ends.
func (s *sluice) open() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.door.Serve(l) }()
	transport := &http.Transport{}
	s.addr, s.http = l.Addr().String(), &http.Client{Transport: &witness{s.t, transport}, Timeout: patience}
	s.t.Cleanup(func() {
		transport.CloseIdleConnections()
		cut, stop := context.WithCancel(context.Background())
		stop() // no grace
		s.door.Drain(cut)
		if err := <-served; err != nil {
			s.t.Error(err)
		}
	})
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// reply is an answer whose body was read.
type reply struct {
	StatusCode int
	Header     http.Header
	Close      bool
}

func replyOf(r *http.Response) *reply { return &reply{r.StatusCode, r.Header, r.Close} }

// ask sends a request; fields are names and values of its header.
func (s *sluice) ask(method, path, body string, fields ...string) (*reply, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(within(s.t, patience), method, "http://"+s.addr+path, bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		switch fields[i] {
		case "":
		case "Host":
			r.Host = fields[i+1]
		default:
			r.Header.Add(fields[i], fields[i+1])
		}
	}
	answer, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return replyOf(answer), string(text)
}

// read reads n records of a topic as another client of the cluster does.
func (s *sluice) read(topic string, n int) []*kgo.Record {
	s.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.cluster.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	var records []*kgo.Record
	for ctx := within(s.t, patience); len(records) < n; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			s.t.Fatal(err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
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

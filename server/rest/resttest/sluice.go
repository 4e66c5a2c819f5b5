// Package resttest opens HTTP doors for tests.
//
// Every answer that a test gets is held to openapi.json.
package resttest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/rest"
	"github.com/sluice-proxy/sluice/server/rest/exchange"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka"
)

// Patience bounds what a test waits for.
const Patience = 20 * time.Second

func TestLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Sluice is a client and an HTTP door before a cluster of its own. Only the cluster is not real; it speaks Kafka's
// protocol. It has the topics orders, of three partitions, and blobs, of one.
type Sluice struct {
	T       *testing.T
	Cluster *kfake.Cluster
	Client  *kafka.Client
	Door    *rest.Server
	Addr    string
	HTTP    *http.Client // checks every answer against the document
	spoken  sync.Map     // what was written, by the *bufio.Reader of what comes back
}

func Start(t *testing.T, opts exchange.Options) *Sluice {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"), kfake.SeedTopics(1, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := kafka.Defaults()
	cfg.Brokers = cluster.ListenAddrs()
	client, err := kafka.Open(cfg, TestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &Sluice{T: t, Cluster: cluster, Client: client, Door: rest.New(client, opts, TestLog(t))}
	t.Cleanup(func() {
		_ = client.Close(Within(t, Patience)) // what a test left undelivered is its own affair
	})
	s.open(opts.BridgeAnswers)
	return s
}

// open opens the door until the test ends.
func (s *Sluice) open(asBridge bool) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.T.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Door.Serve(l) }()
	transport := &http.Transport{}
	s.Addr, s.HTTP = l.Addr().String(), &http.Client{Transport: &witness{s.T, transport, asBridge}, Timeout: Patience}
	s.T.Cleanup(func() {
		transport.CloseIdleConnections()
		cut, stop := context.WithCancel(context.Background())
		stop() // no grace
		s.Door.Drain(cut)
		if err := <-served; err != nil {
			s.T.Error(err)
		}
	})
}

func Within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// Reply is an answer whose body was read.
type Reply struct {
	StatusCode int
	Header     http.Header
	Close      bool
}

func replyOf(r *http.Response) *Reply { return &Reply{r.StatusCode, r.Header, r.Close} }

// Ask sends a request. fields are names and values of its header.
func (s *Sluice) Ask(method, path, body string, fields ...string) (*Reply, string) {
	s.T.Helper()
	r, err := http.NewRequestWithContext(Within(s.T, Patience), method, "http://"+s.Addr+path, bytes.NewReader([]byte(body)))
	if err != nil {
		s.T.Fatal(err)
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
	answer, err := s.HTTP.Do(r)
	if err != nil {
		s.T.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return replyOf(answer), string(text)
}

// Read reads n records of a topic as another client of the cluster does.
func (s *Sluice) Read(topic string, n int) []*kgo.Record {
	s.T.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Cluster.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.T.Fatal(err)
	}
	defer c.Close()
	var records []*kgo.Record
	for ctx := Within(s.T, Patience); len(records) < n; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			s.T.Fatal(err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

// Eventually waits for a state that has no event.
func Eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(Patience); !check(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never: " + what)
		}
	}
}

// Of returns the same door for a subtest.
func (s *Sluice) Of(t *testing.T) *Sluice {
	return &Sluice{T: t, Cluster: s.Cluster, Client: s.Client, Door: s.Door, Addr: s.Addr, HTTP: s.HTTP}
}

const AsJSON = "application/vnd.kafka.json.v2+json"

const (
	AsBinary = "application/vnd.kafka.binary.v2+json"
	AsText   = "application/vnd.kafka.text.v2+json"
)

// WantFailure checks a failure in the shape of version 2.
func WantFailure(t *testing.T, what string, answer *Reply, text string, status, code int, message string) {
	t.Helper()
	var body struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Errorf("%s: %v in %q", what, err, text)
	}
	if answer.StatusCode != status || body.Code != code || !strings.Contains(body.Message, message) {
		t.Errorf("%s: %d %s, want %d/%d with %q", what, answer.StatusCode, text, status, code, message)
	}
	if !strings.Contains(answer.Header.Get("Content-Type"), "json") || answer.Header.Get(exchange.RequestID) == "" {
		t.Errorf("%s: header %v", what, answer.Header)
	}
}

const Posting = "POST /v1/topics/blobs/records HTTP/1.1\r\nHost: localhost\r\n"

const (
	Hello = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
)

// SpeakHTTP2 makes the client speak nothing but HTTP/2.
func (s *Sluice) SpeakHTTP2() {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	s.T.Cleanup(transport.CloseIdleConnections)
	s.HTTP = &http.Client{Transport: &witness{t: s.T, next: transport}, Timeout: Patience}
}

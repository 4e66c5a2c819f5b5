package management

import (
	"context"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/kafka/embedded"
	"github.com/sluice-proxy/sluice/server/resp"
)

// longest bounds what a test waits for.
const longest = 20 * time.Second

// broker is what all tests share; topics are created by their first use.
var broker *embedded.Broker

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if broker, err = embedded.Start(embedded.Options{}); err != nil {
		panic(err)
	}
	status := m.Run()
	broker.Close()
	if err := goleak.Find(); err != nil && status == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return status
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// sluice is a client and a Redis door before the shared broker, both real.
type sluice struct {
	client *kafka.Client
	door   *resp.Server
	addr   string
}

func start(t *testing.T, change ...func(*kafka.Config)) *sluice {
	t.Helper()
	cfg := kafka.Defaults()
	cfg.Brokers = []string{broker.Addr()}
	for _, c := range change {
		c(&cfg)
	}
	log := testLog(t)
	client, err := kafka.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	door := resp.New(client, resp.Options{}, log)
	served := make(chan error, 1)
	go func() { served <- door.Serve(listener, resp.ListenerOptions{}) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), longest)
		defer cancel()
		cut, stop := context.WithCancel(ctx)
		stop() // no grace
		door.Drain(cut)
		if err := <-served; err != nil {
			t.Error(err)
		}
		_ = client.Close(ctx) // what a test left undelivered is its own affair
	})
	return &sluice{client, door, listener.Addr().String()}
}

// eventually waits for what has no event.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(longest); !check(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never: " + what)
		}
	}
}

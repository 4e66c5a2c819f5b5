package lender

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start opens lenders before a cluster of their own, which has the topic orders.
func start(t *testing.T) *Lenders {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := kafka.Defaults()
	cfg.Brokers = cluster.ListenAddrs()
	client, err := kafka.Open(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	all := New(client, nil, server.SystemClock{})
	t.Cleanup(all.Close)
	return all
}

func enter(t *testing.T, all *Lenders) *Lender {
	t.Helper()
	l, err := all.Enter(t.Context(), "a\x00orders", "a", kafka.SubscribeOptions{Topics: []string{"orders"}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A consumer that failed for good ends its lender; the next request opens another.
func TestALenderWhoseConsumerFailedEnds(t *testing.T) {
	t.Parallel()
	all := start(t)
	l := enter(t, all)
	w := NewWaiter(Limits{Records: 1, Bytes: 1, Timeout: time.Minute}, nil)
	l.Ask(w)
	l.mu.Lock()
	l.state.over = true
	l.mu.Unlock()
	l.wake.Ring()
	<-w.Ready
	if b, err := w.Take(); b != nil || !errors.Is(err, ErrEnded) {
		t.Errorf("%+v %v", b, err)
	}
	late := NewWaiter(Limits{Records: 1}, nil)
	l.Ask(late)
	if _, err := late.Take(); !errors.Is(err, ErrEnded) {
		t.Errorf("who comes later: %v", err)
	}
	all.Exit(l)
	if next := enter(t, all); next == l || next.number != 2 {
		t.Errorf("the next one is number %d", next.number)
	}
}

func TestClosedLendersLendNothing(t *testing.T) {
	t.Parallel()
	all := start(t)
	l := enter(t, all)
	w := NewWaiter(Limits{Records: 1}, nil)
	l.Ask(w)
	all.Close()
	if _, err := w.Take(); !errors.Is(err, ErrEnded) {
		t.Errorf("who waits: %v", err)
	}
	if _, err := all.Enter(t.Context(), "b", "b", kafka.SubscribeOptions{Topics: []string{"orders"}}); !errors.Is(err, kafka.ErrStopping) {
		t.Errorf("who comes later: %v", err)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if n := len(all.byNumber); n != 0 {
		t.Errorf("%d lenders", n)
	}
}

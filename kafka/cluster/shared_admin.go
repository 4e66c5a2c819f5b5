package cluster

import (
	"context"
	"errors"
	"sync"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// sharedAdmin is a client's own Admin, opened when it is first needed. The lock keeps it open while
// a call is inside: librdkafka does not survive the use of a handle that is being closed.
type sharedAdmin struct {
	brokers    []string
	properties config.Properties

	mu     sync.RWMutex // held for reading during every use: guards what follows
	closed bool

	once  sync.Once
	admin *Admin
	err   error
}

// Ask runs do, which ends in bounded time, with the client's Admin.
func (c *Cluster) Ask(do func(*Admin) error) error {
	for {
		a := c.admin.Load()
		err := a.use(do)
		if !errors.Is(err, kerr.ErrStopping) || a == c.admin.Load() {
			return err
		}
		// It was being replaced.
	}
}

// use runs do, which ends in bounded time, with the Admin.
func (a *sharedAdmin) use(do func(*Admin) error) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.closed {
		return kerr.ErrStopping
	}
	a.once.Do(func() { a.admin, a.err = OpenAdmin(a.brokers, a.properties) })
	if a.err != nil {
		return a.err
	}
	return a.admin.because(do(a.admin))
}

// close waits for the calls that are inside and closes the Admin; after ctx it leaves that to a
// goroutine, which ends when they do.
func (a *sharedAdmin) close(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.closed = true
		if a.admin != nil {
			a.admin.Close()
			a.admin = nil
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

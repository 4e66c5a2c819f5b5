// Package lifetime runs the goroutines that the end of a client waits for.
package lifetime

import (
	"context"
	"errors"
	"sync"
)

// Lifetime is how long a client lives, and the goroutines that its end waits for.
type Lifetime struct {
	Context context.Context //nolint:containedctx // the life of the client itself: ends with end
	End     context.CancelFunc
	work    sync.WaitGroup

	mu       sync.Mutex // guards what follows
	stopping bool
}

// New begins a lifetime.
func New() *Lifetime {
	l := &Lifetime{}
	l.Context, l.End = context.WithCancel(context.Background())
	return l
}

// Go runs work that wait waits for; false, without running it, after stop.
func (l *Lifetime) Go(work func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopping {
		l.work.Go(work)
	}
	return !l.stopping
}

// Stop lets no work start any more.
func (l *Lifetime) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
}

// Stopping tells whether Stop was called.
func (l *Lifetime) Stopping() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping
}

// Wait returns when all work has ended, or with an error when ctx ends first.
func (l *Lifetime) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		l.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("not every subscription could leave its group in time")
	}
}

package kafka

import (
	"context"
	"errors"
	"sync"
)

// lifetime is how long a client lives, and the goroutines that its end waits for.
type lifetime struct {
	ctx  context.Context //nolint:containedctx // the life of the client itself: ends with end
	end  context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex // guards what follows
	stopping bool
}

func newLifetime() *lifetime {
	l := &lifetime{}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

// start runs work that wait waits for; false, without running it, after stop.
func (l *lifetime) start(work func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopping {
		l.work.Go(work)
	}
	return !l.stopping
}

// stop lets no work start any more.
func (l *lifetime) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
}

func (l *lifetime) isStopping() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping
}

// wait returns when all work has ended, or with an error when ctx ends first.
func (l *lifetime) wait(ctx context.Context) error {
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

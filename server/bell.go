package server

import "context"

// Bell wakes one goroutine that waits for it in a select. Ringing it several times before the goroutine looks is the
// same as ringing it once.
type Bell chan struct{}

// NewBell makes a bell.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes whoever waits for the bell, now or next. It never waits. Any goroutine may call it.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// Await waits for the bell. It returns err if ctx ends before the bell rings.
func (b Bell) Await(ctx context.Context, err error) error {
	select {
	case <-b:
		return nil
	case <-ctx.Done():
		return err
	}
}

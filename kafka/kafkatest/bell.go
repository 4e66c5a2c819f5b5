package kafkatest

import (
	"testing"
	"time"
)

// Bell is a wake that a test can wait for. It never blocks who rings.
type Bell chan struct{}

// NewBell makes a bell.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes who waits, now or later.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// Await waits for a bell, and fails the test after Patience.
func Await(t *testing.T, b <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-b:
	case <-time.After(Patience):
		t.Fatal("waited in vain for " + what)
	}
}

package librdkafka

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// signal is an eventfd that librdkafka writes to when a queue goes from empty to not empty. Waiting
// on it parks a goroutine in Go's poller instead of a thread inside cgo: fifty subscriptions wait
// without a thread of their own.
type signal struct {
	file *os.File
	fd   int
}

// one is what a writer adds to an eventfd: it accepts exactly eight bytes, native order.
var one = [8]byte{1}

func newSignal() (*signal, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &signal{file: os.NewFile(uintptr(fd), "eventfd"), fd: fd}, nil
}

// wait returns when the signal was raised or the time is over.
func (s *signal) wait(limit time.Duration) {
	var count [8]byte
	if err := s.file.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return
	}
	if _, err := s.file.Read(count[:]); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
}

// raise wakes the waiter. Losing it is impossible: an eventfd counts.
func (s *signal) raise() { _, _ = s.file.Write(one[:]) }

func (s *signal) close() { _ = s.file.Close() }

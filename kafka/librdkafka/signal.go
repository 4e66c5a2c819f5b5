package librdkafka

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// signal is an eventfd that librdkafka writes to when a queue is no longer empty. A goroutine that waits for it is parked
// in Go's poller and holds no thread: fifty subscriptions wait without a thread each.
type signal struct {
	file *os.File
	raw  syscall.RawConn
	fd   int

	// Only the waiter uses these.
	until time.Time // the read deadline of file
	reads eventfdReader
	lower func(fd uintptr) bool
}

// one is what a writer adds to an eventfd: exactly eight bytes, in native order.
var one = [8]byte{1}

func newSignal() (*signal, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	file := os.NewFile(uintptr(fd), "eventfd")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	s := &signal{file: file, raw: raw, fd: fd}
	s.lower = s.tryLower
	return s, nil
}

// wait returns true when the signal was raised, and false at the latest after limit. It may return early: a deadline that
// is near enough is kept, because setting a deadline costs as much as the rest of a wait.
func (s *signal) wait(limit time.Duration) (raised bool) {
	if left := time.Until(s.until); left <= 0 || left > limit {
		s.until = time.Now().Add(limit)
		if err := s.file.SetReadDeadline(s.until); err != nil {
			return false
		}
	}
	return s.raw.Read(s.lower) == nil
}

// tryLower lowers the signal. It returns false when the signal was not raised.
func (s *signal) tryLower(fd uintptr) bool {
	return s.reads.read(fd) != syscall.EAGAIN //nolint:errorlint // an Errno, never wrapped
}

// raise wakes the waiter. No wake-up is lost: an eventfd counts.
func (s *signal) raise() { _ = s.raw.Control(addOne) }

func (s *signal) close() { _ = s.file.Close() }

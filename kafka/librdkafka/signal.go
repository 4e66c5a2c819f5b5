package librdkafka

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// signal is an eventfd that librdkafka writes to when a queue goes from empty to not empty. Waiting
// on it parks a goroutine in Go's poller instead of a thread inside cgo: fifty subscriptions wait
// without a thread of their own.
//
// Reads and writes do not block, and go to the kernel without telling Go's scheduler: it would start
// another thread for each that is preempted there.
type signal struct {
	file *os.File
	raw  syscall.RawConn
	fd   int

	// Only the waiter looks at these.
	until   time.Time // when the wait that is under way, or the next one, ends
	unslept int       // waits in a row that found the signal raised
	lower   func(fd uintptr) bool
}

// one is what a writer adds to an eventfd: it accepts exactly eight bytes, native order.
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

// wait returns when the signal was raised, and at the latest when the time is over: it may be over sooner. To move
// a deadline costs as much as the rest of a wait, so one that is near enough is kept.
func (s *signal) wait(limit time.Duration) {
	if left := time.Until(s.until); left <= 0 || left > limit {
		s.until = time.Now().Add(limit)
		if err := s.file.SetReadDeadline(s.until); err != nil {
			return
		}
	}
	_ = s.raw.Read(s.lower)
}

// seenEvery is how many waits in a row may find the signal raised before the scheduler sees one. Only a call that it
// sees wakes the runtime's watching thread, which takes the processor from goroutines that never sleep.
const seenEvery = 16

// tryLower takes the signal back; false when it was not raised.
func (s *signal) tryLower(fd uintptr) bool {
	lower := lowerOnce
	if s.unslept++; s.unslept%seenEvery == 0 {
		lower = lowerSeen
	}
	if lower(fd) == syscall.EAGAIN { //nolint:errorlint // an Errno, never wrapped
		s.unslept = 0
		return false
	}
	return true
}

func lowerOnce(fd uintptr) error {
	var count [8]byte
	if _, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&count[0])), uintptr(len(count))); errno != 0 {
		return errno
	}
	return nil
}

func lowerSeen(fd uintptr) error {
	var count [8]byte
	_, err := syscall.Read(int(fd), count[:])
	return err
}

// raise wakes the waiter. Losing it is impossible: an eventfd counts.
func (s *signal) raise() { _ = s.raw.Control(add) }

func add(fd uintptr) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&one[0])), uintptr(len(one)))
}

func (s *signal) close() { _ = s.file.Close() }

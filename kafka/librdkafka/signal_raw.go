//go:build !plainruntime

package librdkafka

import (
	"syscall"
	"unsafe"
)

// Reads and writes of an eventfd do not block. They go to the kernel without Go's scheduler: the runtime would start
// another thread for each that the kernel preempts there. signal_plain.go does the same through the scheduler.

// seenEvery is how many reads in a row may find the signal raised before one goes through the scheduler. Only such a read
// wakes the runtime's monitor thread, which preempts goroutines that never sleep.
const seenEvery = 16

// eventfdReader counts the reads in a row that found the signal raised.
type eventfdReader struct{ inARow int }

// read resets an eventfd; EAGAIN says that it was 0.
func (r *eventfdReader) read(fd uintptr) error {
	read := readUnseen
	if r.inARow++; r.inARow%seenEvery == 0 {
		read = readSeen
	}
	err := read(fd)
	if err == syscall.EAGAIN { //nolint:errorlint // an Errno, never wrapped
		r.inARow = 0
	}
	return err
}

func readUnseen(fd uintptr) error {
	var count [8]byte
	if _, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&count[0])), uintptr(len(count))); errno != 0 {
		return errno
	}
	return nil
}

func readSeen(fd uintptr) error {
	var count [8]byte
	_, err := syscall.Read(int(fd), count[:])
	return err
}

func addOne(fd uintptr) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(&one[0])), uintptr(len(one)))
}

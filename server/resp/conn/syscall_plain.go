//go:build plainruntime

package conn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// The same calls as in syscall_raw.go, all of them observed by Go's scheduler.

func readOnce(fd uintptr, b []byte) (int, error) { return readObserved(fd, b) }

func writeOnce(fd uintptr, b []byte) (n int, err error) {
	for err = syscall.EINTR; err == syscall.EINTR; {
		n, err = syscall.Write(int(fd), b)
	}
	return n, err
}

// observedEvery is 1: the scheduler observes every read.
const observedEvery = 1

// peerClosed asks ppoll(2) whether the other side has closed its end, without waiting.
func peerClosed(fd uintptr) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Ppoll(poll, &unix.Timespec{}, nil)
	return err == nil && n > 0
}

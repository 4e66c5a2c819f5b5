//go:build !plainruntime

package conn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What: read(2), write(2) and ppoll(2) without telling Go's scheduler (syscall.RawSyscall).
//
// Why: the socket does not block, so the scheduler has nothing to do during the call. To tell it costs more than the
// call does, and a request is one read and one write.
//
// Price: the runtime's monitor thread (sysmon) sleeps while all processors are idle, and only calls that the scheduler
// sees wake it. See observedEvery.

func readOnce(fd uintptr, b []byte) (int, error) { return once(syscall.SYS_READ, fd, b) }

func writeOnce(fd uintptr, b []byte) (int, error) { return once(syscall.SYS_WRITE, fd, b) }

// once does one read(2) or write(2), again only when a signal interrupted it.
func once(call, fd uintptr, b []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(n), nil
	}
}

// observedEvery is after how many reads in a row that found something the scheduler observes one. A session that never
// sleeps would otherwise keep its processor while the monitor thread sleeps. Nobody would take the processor away, or
// look whether other sessions have something to read.
const observedEvery = 16

// peerClosed asks ppoll(2) whether the other side has closed its end, without waiting.
func peerClosed(fd uintptr) bool {
	poll := unix.PollFd{Fd: int32(fd), Events: unix.POLLRDHUP}
	noWait := unix.Timespec{}
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&noWait)), 0, 0, 0)
	return errno == 0 && n > 0
}

package resp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// closedThere asks ppoll(2) whether the other side has closed its end, without waiting.
func closedThere(fd uintptr) bool {
	poll := unix.PollFd{Fd: int32(fd), Events: unix.POLLRDHUP}
	atOnce := unix.Timespec{}
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&atOnce)), 0, 0, 0)
	return errno == 0 && n > 0
}

package resp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readOnce and writeOnce call the kernel without telling Go's scheduler: the socket does not block,
// so there is nothing to schedule around, and a request is one of each.
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

// seenEvery is how many reads in a row a session may have that find something at once before one of them is seen.
const seenEvery = 16

// readSeen is readOnce that the scheduler sees. Only such calls wake the runtime's watching thread when all was idle
// before; a session that never sleeps would otherwise keep its processor, with nobody to take it away and to look
// whether others have something to read.
func readSeen(fd uintptr, b []byte) (n int, err error) {
	for err = syscall.EINTR; err == syscall.EINTR; {
		n, err = syscall.Read(int(fd), b)
	}
	return n, err
}

// closedThere asks ppoll(2) whether the other side has closed its end, without waiting.
func closedThere(fd uintptr) bool {
	poll := unix.PollFd{Fd: int32(fd), Events: unix.POLLRDHUP}
	atOnce := unix.Timespec{}
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&atOnce)), 0, 0, 0)
	return errno == 0 && n > 0
}

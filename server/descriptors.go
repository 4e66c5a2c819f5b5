package server

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// mostSpare is how many descriptors clients leave to the rest of the process. librdkafka needs some to reach its
// brokers, and operators need some to ask how the process is. A process with few descriptors spares an eighth of them.
const mostSpare = 64

// Scarce tells whether only the spare descriptors are free: then new clients have to wait until others leave. A new
// descriptor has the lowest free number (open(2)), so its number tells how many descriptors are used.
func Scarce() bool {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return false
	}
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return errors.Is(err, unix.EMFILE)
	}
	_ = unix.Close(fd)
	return uint64(fd) >= limit.Cur-min(mostSpare, limit.Cur/8) //nolint:gosec // it is not negative
}

// ErrScarce says that clients have used up their descriptors. It is temporary: servers of net/http try again.
var ErrScarce error = scarceError{}

type scarceError struct{}

func (scarceError) Error() string { return "too many open files: the last ones are not for clients" }

// Timeout makes it a net.Error.
func (scarceError) Timeout() bool { return false }

// Temporary is what net/http looks for.
func (scarceError) Temporary() bool { return true }

// Reserve holds descriptors for a listener, until all others are used up.
type Reserve struct {
	mu   sync.Mutex
	held []*os.File
	size int
}

// NewReserve holds size descriptors.
func NewReserve(size int) *Reserve {
	r := &Reserve{size: size}
	r.Fill()
	return r
}

// Fill replaces the descriptors that were given away, as far as the process has free ones.
func (r *Reserve) Fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.held) < r.size {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		r.held = append(r.held, f)
	}
}

// Give frees one descriptor for the caller; false when the reserve has none left.
func (r *Reserve) Give() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.held) == 0 {
		return false
	}
	last := len(r.held) - 1
	_ = r.held[last].Close()
	r.held = r.held[:last]
	return true
}

// Close frees all descriptors for good.
func (r *Reserve) Close() {
	r.mu.Lock()
	r.size = 0
	r.mu.Unlock()
	for r.Give() {
	}
}

// UsedUp tells whether an error says that no descriptor is free.
func UsedUp(err error) bool { return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) }

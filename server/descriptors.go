package server

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// mostSpare is how many descriptors clients leave to the rest of the process: to librdkafka, which has to reach its
// brokers, and to who asks how the process is. Where there are few descriptors it is an eighth of them.
const mostSpare = 64

// Scarce tells whether clients have to wait for others to leave: only the spare descriptors are free. A new
// descriptor is the lowest one that is free (open(2)), so its number tells how many are used.
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

// ErrScarce says that clients have used up their descriptors. It passes: servers of net/http try again.
var ErrScarce error = scarceError{}

type scarceError struct{}

func (scarceError) Error() string { return "too many open files: the last ones are not for clients" }

// Timeout makes it a net.Error.
func (scarceError) Timeout() bool { return false }

// Temporary is what net/http looks for.
func (scarceError) Temporary() bool { return true }

// Reserve are descriptors that a listener holds for the time when all others are used up.
type Reserve struct {
	mu   sync.Mutex
	held []*os.File
	size int
}

// NewReserve takes so many.
func NewReserve(size int) *Reserve {
	r := &Reserve{size: size}
	r.Fill()
	return r
}

// Fill takes what was given away, as far as there is something to take.
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

// Give gives one away; false when there is none.
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

// Close gives all away, for good.
func (r *Reserve) Close() {
	r.mu.Lock()
	r.size = 0
	r.mu.Unlock()
	for r.Give() {
	}
}

// UsedUp tells whether an error says that there is no descriptor.
func UsedUp(err error) bool { return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) }

//go:build plainruntime

package librdkafka

import "syscall"

// eventfdReader reads an eventfd through Go's scheduler; signal_raw.go does the same without it.
type eventfdReader struct{}

// read resets an eventfd; EAGAIN says that it was 0.
func (*eventfdReader) read(fd uintptr) error {
	var count [8]byte
	_, err := syscall.Read(int(fd), count[:])
	return err
}

func addOne(fd uintptr) { _, _ = syscall.Write(int(fd), one[:]) }

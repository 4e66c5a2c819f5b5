package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// firstInherited is the number of the first inherited descriptor (SD_LISTEN_FDS_START).
const firstInherited = 3

// Inherited returns the listeners that systemd opened for this process, by the FileDescriptorName= of
// their socket units; none when it was started otherwise. It takes LISTEN_PID, LISTEN_FDS and
// LISTEN_FDNAMES out of the environment, so a second call returns nothing.
//
// A descriptor with a name that is not known, or that does not listen for streams, is an error with its
// name and number, and none is returned: connections would wait in it for ever.
func Inherited(known ...string) (map[string][]net.Listener, error) {
	listeners := map[string][]net.Listener{}
	var faults []error
	for i, file := range activation.Files(true) {
		listener, err := inherit(file, known)
		if err != nil {
			faults = append(faults, fmt.Errorf("inherited socket %q (descriptor %d): %w", file.Name(), firstInherited+i, err))
			continue
		}
		listeners[file.Name()] = append(listeners[file.Name()], listener)
	}
	if len(faults) == 0 {
		return listeners, nil
	}
	for _, named := range listeners {
		for _, l := range named {
			l.Close()
		}
	}
	return nil, errors.Join(faults...)
}

// inherit closes file and returns the listener behind it, a descriptor of its own.
func inherit(file *os.File, known []string) (net.Listener, error) {
	defer file.Close()
	if !slices.Contains(known, file.Name()) {
		return nil, fmt.Errorf("nobody serves that name; FileDescriptorName= may be %s", strings.Join(known, ", "))
	}
	if err := listens(file); err != nil {
		return nil, err
	}
	return net.FileListener(file)
}

// listens looks where net.FileListener does not: it takes a connected socket for a listener.
func listens(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var kind, accepts int
	var kindErr, acceptsErr error
	err = raw.Control(func(fd uintptr) {
		kind, kindErr = unix.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
		accepts, acceptsErr = unix.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	})
	if err := errors.Join(err, kindErr, acceptsErr); err != nil {
		return err
	}
	if kind != syscall.SOCK_STREAM || accepts == 0 {
		return errors.New("does not listen for streams; ListenStream= and Accept=no make one that does")
	}
	return nil
}

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

// Inherited returns the listeners that systemd opened for this process, by the FileDescriptorName= of their socket
// units. Without systemd there are none. It removes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES from the environment, so
// that a second call returns nothing.
//
// A descriptor is an error if its name is not known, or if it does not listen for streams: nobody would ever accept its
// connections. After an error Inherited returns no listeners.
func Inherited(known ...string) (map[string][]net.Listener, error) {
	listeners := map[string][]net.Listener{}
	var errs []error
	for i, file := range activation.Files(true) {
		listener, err := inherit(file, known)
		if err != nil {
			errs = append(errs, fmt.Errorf("inherited socket %q (descriptor %d): %w", file.Name(), firstInherited+i, err))
			continue
		}
		listeners[file.Name()] = append(listeners[file.Name()], listener)
	}
	if len(errs) == 0 {
		return listeners, nil
	}
	for _, named := range listeners {
		for _, l := range named {
			l.Close()
		}
	}
	return nil, errors.Join(errs...)
}

// inherit returns the listener of a file with a descriptor of its own, and closes the file.
func inherit(file *os.File, known []string) (net.Listener, error) {
	defer file.Close()
	if !slices.Contains(known, file.Name()) {
		return nil, fmt.Errorf("nobody serves that name; FileDescriptorName= may be %s", strings.Join(known, ", "))
	}
	if err := checkListening(file); err != nil {
		return nil, err
	}
	return net.FileListener(file)
}

// checkListening checks that a file is a listening stream socket. net.FileListener would accept a connected one.
func checkListening(file *os.File) error {
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

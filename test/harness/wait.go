package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"
)

// pollEvery is the pause between two looks at something that has no event to wait for.
const pollEvery = 10 * time.Millisecond

// Until calls check until it returns nil, and gives up with its last error when ctx ends.
func Until(ctx context.Context, check func(context.Context) error) error {
	return UntilEvery(ctx, pollEvery, check)
}

// UntilEvery is Until for a check that costs more: it is called once an interval.
func UntilEvery(ctx context.Context, interval time.Duration, check func(context.Context) error) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Accepts reports nil once a TCP connection to addr is accepted.
func Accepts(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn) // the end: this connection is none of its clients any more
	return err
}

// The ports that FreePorts chooses from. They lie below those that Linux gives to whom no port matters
// (net.ipv4.ip_local_port_range): no connection takes one before its user does.
const firstPort, portsEnd = 10_000, 32_768

// FreePorts returns n loopback ports that nothing listens on. No caller in any process gets one of them while this process
// lives. They are held together until all are known, then let go.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for tries := 0; len(ports) < n; tries++ {
		port := firstPort + rand.IntN(portsEnd-firstPort) //nolint:gosec // nobody is to be kept from guessing it
		l, err := net.Listen("tcp", loopback(port))
		if err == nil {
			held = append(held, l)
			err = claim(port)
		}
		switch {
		case err == nil:
			ports = append(ports, port)
		case !errors.Is(err, syscall.EADDRINUSE) || tries > 1000:
			return nil, err
		}
	}
	return ports, nil
}

// claim makes a port this process' own among all that call FreePorts, or fails with EADDRINUSE. It binds an abstract
// socket, whose name is free again when the process ends (unix(7)).
func claim(port int) error {
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Bind(socket, &syscall.SockaddrUnix{Name: fmt.Sprintf("@sluice-test-port-%d", port)}); err != nil {
		_ = syscall.Close(socket)
		return err
	}
	return nil
}

// FreeAddr returns one free loopback address, host:port.
func FreeAddr() (string, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return "", err
	}
	return loopback(ports[0]), nil
}

func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

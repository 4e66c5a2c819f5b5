package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
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

// FreePorts returns n different loopback ports that nothing listens on. They are held together
// until all are known, then let go: another process could take one before its user does.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		held = append(held, l)
		tcp, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			return nil, errors.New("listener has no TCP address")
		}
		ports = append(ports, tcp.Port)
	}
	return ports, nil
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

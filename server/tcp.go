package server

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// AcceptNow accepts a connection that waits in the listener, or fails at once. The listener's deadline does not matter.
func AcceptNow(l syscall.Conn) (net.Conn, error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	var conn net.Conn
	var failed error
	if err := raw.Control(func(fd uintptr) { conn, failed = acceptNow(int(fd)) }); err != nil {
		return nil, err
	}
	return conn, failed
}

func acceptNow(listener int) (net.Conn, error) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close()
	conn, err := net.FileConn(file) // with a descriptor of its own
	if err != nil {
		return nil, err
	}
	if tcp, is := conn.(*net.TCPConn); is {
		_ = tcp.SetNoDelay(true) // as AcceptTCP does
	}
	return conn, nil
}

// Keepalive closes the connection of a peer that has vanished without closing it, within about a minute. TCP keepalive
// alone does not do that: it is silent while sent bytes are unacknowledged. Until the kernel gives up sending, a
// quarter of an hour later, a record would stay on its way to a machine that lost power. TCP_USER_TIMEOUT (tcp(7))
// bounds that time.
func Keepalive(conn *net.TCPConn) {
	const gone = time.Minute
	_ = conn.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: gone / 2, Interval: gone / 6, Count: 3})
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(gone.Milliseconds()))
		})
	}
}

package rest

import (
	"net"
	"net/http"
	"syscall"

	"golang.org/x/sys/unix"
)

// brought tells whether a client that has hung up had everything first. Many open a connection for one reply, and
// close it as soon as they have read that: to lend them its records again would be to lend them twice.
func brought(r *http.Request) bool {
	w := wireOf(r)
	if w == nil { // a stream of HTTP/2 that was reset: who has a whole reply does not do that
		return false
	}
	limited, is := w.Conn.(interface{ Unwrap() net.Conn })
	return is && confirmed(limited.Unwrap())
}

// tcpCloseWait is the state of a connection whose other side has closed in order (TCP_CLOSE_WAIT, tcp_states.h).
const tcpCloseWait = 8

// confirmed tells whether the other side of a connection has closed it in order, and after it had confirmed every byte
// that was written. Who closes with bytes unread, or gets more after that, resets the connection instead (RFC 1122,
// 4.2.2.13), which is another state.
func confirmed(conn net.Conn) bool {
	socket, is := conn.(syscall.Conn)
	if !is {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	all := false
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		all = err == nil && info.State == tcpCloseWait && info.Unacked == 0 && info.Notsent_bytes == 0
	})
	return err == nil && all
}

package httpconn

import (
	"net"
	"net/http"

	"golang.org/x/sys/unix"

	"github.com/sluice-proxy/sluice/server/patience"
)

// ClientGotReply reports whether a client that has hung up had read the whole reply before. Many clients open a
// connection for one reply and close it after reading. If that counted as a lost reply, they would get its records twice.
func ClientGotReply(r *http.Request) bool {
	c := connOf(r)
	if c == nil { // a client that has a whole reply does not reset its stream of HTTP/2
		return false
	}
	return confirmed(c.Conn)
}

// tcpCloseWait is the state of a connection that the other side has closed in order (TCP_CLOSE_WAIT, tcp_states.h).
const tcpCloseWait = 8

// confirmed reports whether the other side closed the connection in order and had confirmed every written byte before.
// A side that closes with unread bytes resets the connection instead (RFC 1122, 4.2.2.13); that is another state.
func confirmed(conn net.Conn) bool {
	raw := patience.Socket(conn)
	if raw == nil {
		return false
	}
	all := false
	err := raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		all = err == nil && info.State == tcpCloseWait && info.Unacked == 0 && info.Notsent_bytes == 0
	})
	return err == nil && all
}

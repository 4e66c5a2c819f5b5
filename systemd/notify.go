// Package systemd is what sluice says to the service manager and takes from it: readiness, a line of
// status, the watchdog's pings, and sockets that were opened before the process was.
//
// Outside of systemd everything in it does nothing. From go-systemd it takes what is sound: the clock's
// message, the watchdog's settings, the inherited files. Its SdNotify needs NOTIFY_SOCKET to stay in the
// environment, where every child finds it, and its ListenersWithNames drops in silence what it cannot
// use; here both are done by hand.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier sends sd_notify(3) messages: one datagram each, in the order of the calls. Its methods may
// be called from any goroutine. A message that the service manager does not take within patience is
// lost; no caller is told, for none could do anything about it.
type Notifier struct {
	address  string        // "" when nobody listens
	watchdog time.Duration // WATCHDOG_USEC; 0 when there is no watchdog

	// mu keeps the messages in order, and is therefore held while one is sent: at most patience.
	mu   sync.Mutex
	line statusLine
}

// patience is how long the service manager's queue may be full before a message is given up.
const patience = time.Second

// NewNotifier takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no
// child speaks in this process's name. Without NOTIFY_SOCKET it returns a Notifier that does nothing.
// The error says which variable cannot be understood.
func NewNotifier() (*Notifier, error) {
	address := os.Getenv("NOTIFY_SOCKET")
	watchdog, err := daemon.SdWatchdogEnabled(true)
	err = errors.Join(err, os.Unsetenv("NOTIFY_SOCKET"))
	// The only other form is vsock:CID:PORT, from a virtual machine's first process to its host.
	if address != "" && address[0] != '/' && address[0] != '@' {
		err = errors.Join(err, fmt.Errorf("NOTIFY_SOCKET: %q is neither a path nor an abstract socket", address))
	}
	if err != nil {
		return nil, err
	}
	return &Notifier{address: address, watchdog: watchdog}, nil
}

// Ready says that every door is open: after the start, and after each Reloading.
func (n *Notifier) Ready(status string) { n.announce(daemon.SdNotifyReady, status) }

// Stopping says that the process is on its way out.
func (n *Notifier) Stopping(status string) { n.announce(daemon.SdNotifyStopping, status) }

// Reloading says that the configuration is being read again; Ready must follow, also when that failed.
func (n *Notifier) Reloading() {
	// One message: Type=notify-reload ignores a RELOADING=1 whose clock comes in another. The clock's
	// field brings its own newline.
	n.send(daemon.SdNotifyReloading + "\n" + strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"))
}

// Extend asks for d more from now on, while starting or stopping takes long. It takes effect when it
// reaches beyond TimeoutStartSec= or TimeoutStopSec=, and must be renewed before it is over.
func (n *Notifier) Extend(d time.Duration) {
	n.send("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10))
}

// Failed says why the process is about to end, with the error number when err wraps one: `systemctl
// status` shows both.
func (n *Notifier) Failed(err error) {
	var number syscall.Errno
	if errors.As(err, &number) && number != 0 {
		n.announce("ERRNO="+strconv.Itoa(int(number)), err.Error())
		return
	}
	n.announce("", err.Error())
}

// Close sends a status that is still held back. Later calls do nothing.
func (n *Notifier) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flush()
	n.address = ""
}

// announce sends fields with the status, which therefore need not wait for its turn.
func (n *Notifier) announce(fields, status string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line.text = oneLine(status)
	n.sendStatus(fields)
}

func (n *Notifier) send(message string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliver(message)
}

// deliver sends one message; n.mu is held. It dials each time, as sd_notify does: there are few
// messages, and no descriptor is kept that the process could lose.
func (n *Notifier) deliver(message string) {
	if n.address == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = conn.Write([]byte(message))
}

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

// Notifier sends sd_notify(3) messages: one datagram each, in the order of the calls. All goroutines may call its
// methods. A message is lost if the service manager does not take it within sendTimeout. Callers get no error, since
// they could not do anything about it.
type Notifier struct {
	address  string        // "" when nobody listens
	watchdog time.Duration // WATCHDOG_USEC; 0 when there is no watchdog

	// mu keeps the messages in order. It is held while a message is sent: for sendTimeout at most.
	mu   sync.Mutex
	line statusLine
}

// sendTimeout is how long a message waits while the service manager's queue is full.
const sendTimeout = time.Second

// NewNotifier removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment, so that no child sends
// messages in the name of this process. Without NOTIFY_SOCKET the Notifier does nothing. The error names the variable
// that is not valid.
func NewNotifier() (*Notifier, error) {
	address := os.Getenv("NOTIFY_SOCKET")
	watchdog, err := daemon.SdWatchdogEnabled(true)
	err = errors.Join(err, os.Unsetenv("NOTIFY_SOCKET"))
	// The only other form is vsock:CID:PORT. It is for the first process of a virtual machine.
	if address != "" && address[0] != '/' && address[0] != '@' {
		err = errors.Join(err, fmt.Errorf("NOTIFY_SOCKET: %q is neither a path nor an abstract socket", address))
	}
	if err != nil {
		return nil, err
	}
	return &Notifier{address: address, watchdog: watchdog}, nil
}

// Ready says that every door is open. It is called after the start and after each Reloading.
func (n *Notifier) Ready(status string) { n.announce(daemon.SdNotifyReady, status) }

// Stopping says that the process has begun to stop.
func (n *Notifier) Stopping(status string) { n.announce(daemon.SdNotifyStopping, status) }

// Reloading says that the configuration is being read again. Ready must follow, also after a failure.
func (n *Notifier) Reloading() {
	// Both fields are in one message: Type=notify-reload ignores a RELOADING=1 without the clock. The clock's field
	// ends with a newline.
	n.send(daemon.SdNotifyReloading + "\n" + strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"))
}

// Extend asks the service manager to wait for d from now on, during a start or a stop. It has an effect only beyond
// TimeoutStartSec= or TimeoutStopSec=, and must be repeated before d is over.
func (n *Notifier) Extend(d time.Duration) {
	n.send("EXTEND_TIMEOUT_USEC=" + strconv.FormatInt(d.Microseconds(), 10))
}

// Failed says why the process will end. `systemctl status` shows the text, and the error number if err wraps one.
func (n *Notifier) Failed(err error) {
	var number syscall.Errno
	if errors.As(err, &number) && number != 0 {
		n.announce("ERRNO="+strconv.Itoa(int(number)), err.Error())
		return
	}
	n.announce("", err.Error())
}

// Close sends a status that still waits. Later calls do nothing.
func (n *Notifier) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flush()
	n.address = ""
}

// announce sends fields together with the status. The status does not wait for statusPause then.
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

// deliver sends one message; the caller holds n.mu. It dials for each message, as sd_notify does: messages are rare, and
// a kept descriptor could be closed by mistake.
func (n *Notifier) deliver(message string) {
	if n.address == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, _ = conn.Write([]byte(message))
}

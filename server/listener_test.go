package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds what a test waits for.
const patience = 20 * time.Second

// eventually waits for what has no event.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !check(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never: " + what)
		}
	}
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func TestConnectionsOverTheLimitWaitOutsideAndTheLoopGoesOnTurning(t *testing.T) {
	var beats atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := NewLimitListener(l, NewSlots(1), func() { beats.Add(1) })
	defer c.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := c.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	eventually(t, "a beat while nobody comes", func() bool { return beats.Load() > 0 })
	first, _ := dial(t, l.Addr().String())
	_, second := dial(t, l.Addr().String())
	conn := <-accepted
	full := beats.Load()
	eventually(t, "a beat while it is full", func() bool { return beats.Load() > full })
	select {
	case <-accepted:
		t.Fatal("two were let in where there is room for one")
	default:
	}
	conn.Close()
	conn.Close() // gives one place back, not two
	first.Close()
	conn = <-accepted
	if _, err := io.WriteString(conn, "come in\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := second.ReadString('\n'); line != "come in\n" {
		t.Errorf("%q %v", line, err)
	}
	c.Close() // ends an Accept that waits for a place
	if _, open := <-accepted; open {
		t.Error("somebody was let in after the end")
	}
	conn.Close()
}

func TestAListenerThatFinishesAcceptsConnectionsThatWait(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := NewLimitListener(l, NewSlots(10), func() {})
	defer c.Close()
	for range 3 { // nobody accepts yet: they wait in the kernel
		dial(t, l.Addr().String())
	}
	c.Finish()
	for range 3 {
		conn, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if _, err := c.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the last: %v", err)
	}
}

func TestAListenerAtItsLimitFinishesAllTheSame(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := NewLimitListener(l, NewSlots(1), func() {})
	defer c.Close()
	dial(t, l.Addr().String())
	conn, err := c.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	dial(t, l.Addr().String())
	c.Finish()
	if _, err := c.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("with no place: %v", err)
	}
}

// endless is a listener that somebody connects to all the time, until its deadline.
type endless struct {
	net.Listener
	deadline atomic.Pointer[time.Time]
}

func (l *endless) SetDeadline(at time.Time) error {
	l.deadline.Store(&at)
	return nil
}

func (l *endless) Accept() (net.Conn, error) {
	if !time.Now().Before(*l.deadline.Load()) {
		return nil, os.ErrDeadlineExceeded
	}
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	return ours, nil
}

func TestConnectionsThatKeepComingDoNotKeepAListenerOpen(t *testing.T) {
	l := NewListener(&endless{}, func() {})
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	l.Finish()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

func TestAListenerThatFinishesEndsItsPause(t *testing.T) {
	l := NewListener(&endless{}, func() {})
	ended := make(chan struct{})
	go func() {
		l.Pause(time.Hour)
		close(ended)
	}()
	l.Finish()
	<-ended
}

func TestListenersThatFinishedTakeNoMore(t *testing.T) {
	var all Listeners
	l := NewListener(&endless{}, func() {})
	if !all.Add(l) {
		t.Fatal("not taken")
	}
	go func() {
		defer all.Done()
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			conn.Close()
		}
	}()
	all.Finish()
	if all.Add(NewListener(&endless{}, func() {})) {
		t.Error("one more was taken")
	}
}

// A peer that is gone without a word is found within about a minute, even while a reply to it is under way: keepalive is
// silent then, and the kernel alone would try for a quarter of an hour.
func TestGonePeersAreFound(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(tcp, func() {})
	defer l.Close()
	dial(t, l.Addr().String())
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	options := map[string]int{}
	err = raw.Control(func(fd uintptr) {
		for name, option := range map[string]int{"idle": unix.TCP_KEEPIDLE, "interval": unix.TCP_KEEPINTVL, "count": unix.TCP_KEEPCNT, "user timeout": unix.TCP_USER_TIMEOUT} {
			options[name], _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := options["idle"] + options["interval"]*options["count"]; found > 60 {
		t.Errorf("found after %d s of silence", found)
	}
	if wait := time.Duration(options["user timeout"]) * time.Millisecond; wait == 0 || wait > time.Minute {
		t.Errorf("found after %s without an acknowledgement; 0 is the kernel's quarter of an hour", wait)
	}
}

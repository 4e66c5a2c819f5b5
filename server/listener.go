package server

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	acceptTurn = time.Second           // how long one turn of an accept loop waits for a connection
	acceptLast = 10 * time.Millisecond // how long a listener that finishes still waits for connections
	backlog    = 4096                  // connections that wait in the kernel at most (net.core.somaxconn, tcp(7))
)

// AcceptGap is how long a turn of an accept loop may take before the loop counts as stuck.
const AcceptGap = 15 * time.Second

// Listener is a listener whose accept loop can be watched, and can finish without resetting connections that wait in
// the kernel. One goroutine may call Accept.
type Listener struct {
	net.Listener

	beat      func()
	spare     bool // Accept may use the spare descriptors
	finishing chan struct{}
	finish    sync.Once
	until     time.Time // when Accept stops waiting; set before finishing is closed
	last      int       // connections accepted after that
	closed    chan struct{}
	close     sync.Once
}

// NewListener watches a listener. Every turn of its accept loop calls beat.
func NewListener(l net.Listener, beat func()) *Listener {
	return &Listener{Listener: l, beat: beat, finishing: make(chan struct{}), closed: make(chan struct{})}
}

// UseSpare lets Accept use the descriptors that it otherwise leaves to the rest of the process.
func (l *Listener) UseSpare() { l.spare = true }

// Accept waits for a connection and beats meanwhile. ErrScarce says that clients have to wait until descriptors are
// free. After Finish it returns the connections that wait already, then net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	if !l.spare && !l.isFinishing() && Scarce() {
		l.beat()
		return nil, ErrScarce
	}
	for {
		conn, err := l.acceptOnce()
		l.beat()
		switch {
		case err == nil:
			return keptAlive(conn), nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		case l.isFinishing():
			return l.acceptWaiting()
		}
	}
}

// acceptOnce waits for one turn, where the listener has deadlines.
func (l *Listener) acceptOnce() (net.Conn, error) {
	if d, ok := l.Listener.(deadliner); ok {
		if err := d.SetDeadline(time.Now().Add(acceptTurn)); err != nil {
			return nil, err
		}
		// Finish is noted before it sets its deadline: whichever deadline is set last is the short one.
		if l.isFinishing() {
			_ = d.SetDeadline(l.until)
		}
	}
	return l.Listener.Accept()
}

// deadliner is a listener that has deadlines.
type deadliner interface{ SetDeadline(time.Time) error }

// acceptWaiting returns a connection that was made while the last deadline passed: after its deadline, Accept of the net
// package does not look. A connection made between this look and Close may still be reset.
func (l *Listener) acceptWaiting() (net.Conn, error) {
	if raw, ok := l.Listener.(syscall.Conn); ok && l.last < backlog {
		if conn, err := AcceptNow(raw); err == nil {
			l.last++
			return keptAlive(conn), nil
		}
	}
	return nil, net.ErrClosed
}

func keptAlive(conn net.Conn) net.Conn {
	if tcp, ok := conn.(*net.TCPConn); ok {
		Keepalive(tcp)
	}
	return conn
}

// Finish makes Accept return the connections that wait already, then net.ErrClosed. To close the listener at once would
// reset these connections. A listener without deadlines is closed.
func (l *Listener) Finish() {
	l.finish.Do(func() {
		l.until = time.Now().Add(acceptLast)
		close(l.finishing)
	})
	d, ok := l.Listener.(deadliner)
	if !ok || d.SetDeadline(l.until) != nil {
		_ = l.Close()
	}
}

func (l *Listener) isFinishing() bool {
	select {
	case <-l.finishing:
		return true
	default:
		return false
	}
}

// Pause lets some time pass before the next Accept, after one that failed. Finish and Close end it.
func (l *Listener) Pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.finishing:
	case <-l.closed:
	}
}

// Close ends Accept and Pause.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Listeners are those that a server accepts from. The zero value has none.
type Listeners struct {
	mu        sync.Mutex // guards what follows
	finishing bool
	all       []*Listener
	serving   sync.WaitGroup // accept loops
}

// Add notes a listener whose accept loop begins. It returns false after Finish: then there must be no loop. When the
// loop has ended it must call Done.
func (ls *Listeners) Add(l *Listener) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.finishing {
		return false
	}
	ls.serving.Add(1)
	ls.all = append(ls.all, l)
	return true
}

// Done says that the accept loop of a listener has ended.
func (ls *Listeners) Done() { ls.serving.Done() }

// FinishOne finishes the listener that was made of l. Its accept loop ends soon. If it has not begun, l is closed.
func (ls *Listeners) FinishOne(l net.Listener) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	i := slices.IndexFunc(ls.all, func(one *Listener) bool { return one.Listener == l })
	if i < 0 {
		_ = l.Close()
		return
	}
	ls.all[i].Finish()
	ls.all = slices.Delete(ls.all, i, i+1)
}

// Finish finishes all listeners, and returns when their accept loops have ended.
func (ls *Listeners) Finish() {
	ls.mu.Lock()
	ls.finishing = true
	for _, l := range ls.all {
		l.Finish()
	}
	ls.mu.Unlock()
	ls.serving.Wait()
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	dialPatience   = 10 * time.Second
	answerPatience = 40 * time.Second // longer than sluice's own, so that it is sluice that gives up
)

// worker is one client. Its number chooses its source address, so that thousands of short connections
// do not run out of ports.
type worker struct {
	options
	books  *books
	number int
	conn   net.Conn
	in     *bufio.Reader
}

// run sends one record after another until the time is over, and the last one's answer is there.
func (w *worker) run(ctx context.Context) {
	defer w.close()
	tick := time.NewTicker(w.pause)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		w.request(fmt.Sprintf("%d-%d", w.number, n))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// request sends one record and books how that ended.
func (w *worker) request(id string) {
	began := time.Now()
	if err := w.connect(); err != nil {
		w.books.failed(err)
		return
	}
	reply, err := w.ask(answerPatience, "RPUSH", "topics:"+w.topic, id)
	if err != nil {
		w.books.failed(err)
		w.close()
		return
	}
	declined, isError := strings.CutPrefix(reply, "-")
	if !isError {
		declined = ""
	}
	w.books.answered(id, declined, time.Since(began))
	if w.each || isError { // a client that is told so looks for another connection
		w.close()
	}
}

// wait is a consumer that waits for a record that never comes, as often as the wait ends. What it is
// told before the time is over is the end of a wait that sluice had to end.
func (w *worker) wait(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { w.close() })()
	for ctx.Err() == nil {
		conn, err := w.dial()
		if err != nil {
			w.pauseFor(ctx)
			continue
		}
		one := worker{options: w.options, conn: conn, in: bufio.NewReader(conn)}
		stop := context.AfterFunc(ctx, one.close)
		_, err = one.ask(answerPatience, "CLIENT", "SETNAME", fmt.Sprintf("silent:%d", w.number))
		if err == nil {
			_, err = one.ask(2*answerPatience, "BLPOP", "topics:"+w.topic+"-silent", "60")
			if ctx.Err() == nil {
				w.books.waited(err == nil)
			}
		}
		stop()
		one.close()
		w.pauseFor(ctx)
	}
}

func (w *worker) pauseFor(ctx context.Context) {
	select {
	case <-time.After(w.pause):
	case <-ctx.Done():
	}
}

func (w *worker) connect() error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.dial()
	if err != nil {
		return err
	}
	w.conn, w.in = conn, bufio.NewReader(conn)
	return nil
}

func (w *worker) dial() (net.Conn, error) {
	from := net.IPv4(127, 0, 1, byte(w.number%250+1))
	return (&net.Dialer{Timeout: dialPatience, LocalAddr: &net.TCPAddr{IP: from}}).Dial("tcp", w.addr)
}

// ask sends one command and returns the first line of its reply. All that is asked here is answered
// with one line, but for a record of BLPOP, after which the connection is not used.
func (w *worker) ask(patience time.Duration, args ...string) (string, error) {
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := w.conn.Write([]byte(command.String())); err != nil {
		return "", err
	}
	line, err := w.in.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

func (w *worker) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

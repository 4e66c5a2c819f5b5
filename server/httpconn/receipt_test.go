package httpconn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

// A receipt follows its answer from the first byte to the end of the connection.
func TestAReceiptTellsWhatBecameOfAnAnswer(t *testing.T) {
	t.Parallel()
	reads := func(c *net.TCPConn) error { _, err := io.ReadFull(c, make([]byte, len(reply))); return err }
	resets := func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) }
	closes, asksNoMore := (*net.TCPConn).Close, (*net.TCPConn).CloseWrite
	type end func(*net.TCPConn) error
	for name, c := range map[string]struct {
		does         []end
		before, last Fate // sluice closes the connection
	}{
		"read":                         {[]end{reads}, Arrived, Read},
		"read, closed":                 {[]end{reads, closes}, Arrived, Read},
		"read, end of requests":        {[]end{reads, asksNoMore}, Arrived, Read},
		"closed, not read":             {[]end{closes}, Lost, Lost},
		"reset":                        {[]end{reads, resets}, Lost, Lost},
		"end of requests, then closed": {[]end{asksNoMore, closes}, Lost, Lost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, there, receipt := answered(t)
			for _, step := range c.does {
				if err := step(there); err != nil {
					t.Fatal(err)
				}
			}
			if fate := receipt.Await(t.Context()); fate != c.before {
				t.Errorf("before the end: %d, want %d", fate, c.before)
			}
			conn.idle()
			_ = conn.Close()
			if fate := receipt.Await(t.Context()); fate != c.last {
				t.Errorf("after the end: %d, want %d", fate, c.last)
			}
		})
	}
}

// reply is an answer.
const reply = "reply"

// answered is a connection over which a reply has arrived, with the client's end and the reply's receipt.
func answered(t *testing.T) (conn *Conn, there *net.TCPConn, receipt *Receipt) {
	t.Helper()
	here, there := pair(t)
	conn = &Conn{Conn: here}
	conn.answering.Store(true)
	if _, err := io.WriteString(conn, reply); err != nil {
		t.Fatal(err)
	}
	receipt = ReceiptOf((&http.Request{ProtoMajor: 1}).WithContext(WithConn(t.Context(), conn)))
	if fate := receipt.Await(t.Context()); fate != Arrived {
		t.Fatalf("at first: %d", fate)
	}
	return conn, there, receipt
}

// An answer that ends the connection is read, or not, after sluice has ended its side.
func TestTheEndOfAConnectionTellsWhetherItsAnswerWasRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		does func(*net.TCPConn) error
		want Fate
	}{
		"read to the end": {func(c *net.TCPConn) error { _, err := io.ReadAll(c); return errors.Join(err, c.Close()) }, Read},
		"not read":        {(*net.TCPConn).Close, Lost},
		"kept open":       {func(*net.TCPConn) error { return nil }, Read},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, there, receipt := answered(t)
			closed := make(chan error, 1)
			go func() { closed <- conn.Close() }()
			if err := c.does(there); err != nil {
				t.Fatal(err)
			}
			if err := <-closed; err != nil {
				t.Fatal(err)
			}
			if fate := receipt.Fate(); fate != c.want {
				t.Errorf("%d, want %d", fate, c.want)
			}
		})
	}
}

// The time of who asks is over, and the client's machine has confirmed nothing.
func TestAnUnconfirmedAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	if err := errors.Join(there.SetReadBuffer(4<<10), here.SetWriteBuffer(1<<20)); err != nil {
		t.Fatal(err)
	}
	conn := &Conn{Conn: here}
	conn.answering.Store(true)
	if _, err := conn.Write(make([]byte, 512<<10)); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	r := (&http.Request{ProtoMajor: 1}).WithContext(WithConn(t.Context(), conn))
	if fate := ReceiptOf(r).Await(over); fate != UnderWay {
		t.Errorf("%d", fate)
	}
}

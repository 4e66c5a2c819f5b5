package resp

import (
	"net"
	"testing"
)

// A client that closes its side, as one does that pipes its commands in, is answered all it has asked.
func TestHalfClosedClientsAreAnswered(t *testing.T) {
	d := open(t, Options{}, brokers...)
	for commands, want := range map[string]string{
		"RPUSH topics:half a b":                               ":2\r\n",
		"RPUSH topics:half a\r\nRPUSHX topics:half b\r\nPING": ":1\r\n:1\r\n+PONG\r\n",
		"RPUSHX topics:half b\r\nDUMP 20000":                  ":1\r\n:0\r\n",
		"RPUSH topics:half a\r\nEXISTS topics:half":           ":1\r\n:1\r\n",
	} {
		p := d.dial(t)
		p.send(commands)
		p.halfClose()
		if got := p.rest(); got != want {
			t.Errorf("%q: got %q, want %q", commands, got, want)
		}
	}
}

// But it is lent nothing more, and its name is free at once.
func TestHalfClosedClientsAreLentNothing(t *testing.T) {
	d := open(t, Options{}, brokers...)
	d.dial(t).says("RPUSH topics:half-lent a b", ":2")
	p, q := d.dial(t), d.dial(t)
	const blpop = "BLPOP topics:half-lent 20"
	p.says("CLIENT SETNAME half-lent:m", "+OK")
	p.send(blpop)
	p.record("a")
	p.send("RPUSH topics:half-other x", blpop)
	p.halfClose()
	if got := p.rest(); got != ":1\r\n" {
		t.Errorf("got %q after the end", got)
	}
	q.says("CLIENT SETNAME half-lent:m", "+OK")
	q.send(blpop)
	q.record("a")
}

func (p *peer) halfClose() {
	p.t.Helper()
	if err := p.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		p.t.Fatal(err)
	}
}

// record reads a record in Rafka's shape, whatever its place.
func (p *peer) record(value string) {
	p.t.Helper()
	reply, ok := p.reply().([]any)
	if !ok || len(reply) != 8 || reply[7] != value {
		p.t.Fatalf("got %v, want the record %q", reply, value)
	}
}

package resp

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// waiting is a client inside BLPOP, and its id.
func (d *door) waiting(t *testing.T, name string) (*peer, int64) {
	t.Helper()
	p := d.dial(t)
	p.says("CLIENT SETNAME "+name, "+OK")
	id := p.ask("CLIENT ID").(int64)
	p.send("BLPOP topics:nothing-ever 0")
	eventually(t, "blocked", func() bool { return d.sessions.withID(id).blocked() })
	return p, id
}

func TestUnblock(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p, id := d.waiting(t, "unblock:w")
	other := d.dial(t)
	other.says(fmt.Sprintf("CLIENT UNBLOCK %d", id), ":1")
	p.hears("*-1")
	other.says(fmt.Sprintf("CLIENT UNBLOCK %d", id), ":0")
	p.send("BLPOP topics:nothing-ever 0")
	eventually(t, "blocked", func() bool { return d.sessions.withID(id).blocked() })
	other.says(fmt.Sprintf("CLIENT UNBLOCK %d ERROR", id), ":1")
	p.hears("-UNBLOCKED client unblocked via CLIENT UNBLOCK")
	p.says("PING", "+PONG")
	other.says("CLIENT UNBLOCK 999999", ":0")
	other.says("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range")
}

// Whoever is meant is cut at once, wherever it waits: for records, for its client, for room to write.
func TestKill(t *testing.T) {
	d := open(t, Options{}, brokers...)
	blocked, id := d.waiting(t, "kill:w")
	idle, busy, other := d.dial(t), d.dial(t), d.dial(t)
	idleID := idle.ask("CLIENT ID").(int64)
	busyID := busy.ask("CLIENT ID").(int64)
	go func() { // never reads: its session is stuck in a write before long
		for err := error(nil); err == nil; {
			_, err = busy.Write([]byte("COMMAND DOCS\r\n"))
		}
	}()
	for _, one := range []int64{id, idleID, busyID} {
		other.says(fmt.Sprintf("CLIENT KILL ID %d", one), ":1")
		eventually(t, "gone", func() bool { return d.sessions.withID(one) == nil })
	}
	if got := blocked.rest() + idle.rest(); got != "" {
		t.Errorf("they were told %q", got)
	}
	other.says(fmt.Sprintf("CLIENT KILL ID %d", id), ":0")
	other.says("PING", "+PONG")
}

func TestKillSelection(t *testing.T) {
	d := open(t, Options{}, brokers...)
	var all []*peer
	for range 4 {
		p := d.dial(t)
		p.says("PING", "+PONG")
		all = append(all, p)
	}
	self := all[0]
	self.says("CLIENT KILL ADDR "+all[1].LocalAddr().String()+" TYPE normal USER default", ":1")
	self.says("CLIENT KILL "+all[2].LocalAddr().String(), "+OK")
	self.says("CLIENT KILL TYPE pubsub", ":0")
	self.says("CLIENT KILL LADDR "+d.addr+" SKIPME yes", ":1")
	self.says("CLIENT KILL LADDR "+d.addr, ":0") // itself is skipped unless it says so
	self.says("CLIENT KILL USER nobody", "-ERR No such user 'nobody'")
	self.says("CLIENT KILL ID 0", "-ERR client-id should be greater than 0")
	self.says("CLIENT KILL ID 1 SKIPME", "-ERR syntax error")
	self.says("CLIENT KILL SKIPME no", ":1")
	if got := self.rest(); got != "" {
		t.Errorf("%q after its own end", got)
	}
}

// The line of a client, with what others may see of it.
func TestClientList(t *testing.T) {
	d := open(t, Options{}, brokers...)
	_, id := d.waiting(t, "list:w")
	p := d.dial(t)
	p.ask("HELLO 3 SETNAME plain")
	for _, line := range []string{"CLIENT SETINFO LIB-NAME lib", "CLIENT SETINFO LIB-VER 1.2", "CLIENT NO-EVICT ON", "CLIENT NO-TOUCH ON", "CLIENT TRACKING ON"} {
		p.says(line, "+OK")
	}
	list := p.ask("CLIENT LIST").(string)
	for _, want := range []string{
		fmt.Sprintf(`txt:id=%d addr=127\.0\.0\.1:\d+ laddr=%s fd=-1 name=list:w age=\d idle=\d flags=b .* cmd=blpop user=default redir=-1 resp=2 lib-name= lib-ver=\n`, id, d.addr),
		`id=\d+ .* name=plain .* flags=teT .* multi=-1 .* cmd=client\|list .* resp=3 lib-name=lib lib-ver=1\.2\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(list) {
			t.Errorf("%q\ndoes not match %s", list, want)
		}
	}
	w := d.dial(t)
	for _, c := range []struct{ line, answer, shown string }{
		{"CLIENT SETNAME busy", "+OK", "client|setname"},
		{"RPUSH topics:listed a", ":1", "rpush"},
		{"RPUSHX topics:listed a", ":1", "rpushx"},
		{"PING", "+PONG", "ping"},
		{"RPUSH acks nothing:0:1", "-CONS .*", "rpush"},
	} {
		if c.answer[0] == '-' {
			w.ask(c.line)
		} else {
			w.says(c.line, c.answer)
		}
		eventually(t, "the last command", func() bool {
			list := p.ask("CLIENT LIST").(string)
			return regexp.MustCompile(`name=busy age=\d+ idle=0 .* cmd=` + regexp.QuoteMeta(c.shown) + ` user`).MatchString(list)
		})
	}
	if got := p.ask("CLIENT LIST TYPE master"); got != "txt:" {
		t.Errorf("no clients are %q", got)
	}
	if got := p.ask(fmt.Sprintf("CLIENT LIST ID %d 0", id)).(string); strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
	p.says("CLIENT LIST ID x", "-ERR Invalid client ID")
}

// Too many wrong passwords end the connection; a right one forgives.
func TestGuessing(t *testing.T) {
	d := open(t, Options{Password: "secret"}, brokers...)
	p := d.dial(t)
	for range maxAttempts - 1 {
		p.says("AUTH x", "-"+string(errWrongPass))
	}
	p.says("AUTH secret", "+OK")
	for range maxAttempts - 1 {
		p.says("AUTH x", "-"+string(errWrongPass))
	}
	p.says("PING", "+PONG")
	p.send("HELLO 3 AUTH default x")
	if got := p.rest(); got != "-"+string(errWrongPass)+"\r\n" {
		t.Errorf("got %q", got)
	}
}

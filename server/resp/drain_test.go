package resp

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"
)

// A client that is sending when the drain begins is refused in words before its connection ends.
func TestDrainRefusesInWords(t *testing.T) {
	t.Parallel()
	d := open(t, Options{}, brokers...)
	d.drain.quiet, d.drain.longest = time.Second, patience // for a busy machine
	idle, busy := d.dial(t), d.dial(t)
	idle.says("PING", "+PONG")
	busy.says("PING", "+PONG")
	drained := make(chan int)
	go func() { drained <- d.Drain(t.Context()) }()
	eventually(t, "the drain", d.drain.begun.Load)
	for range 3 {
		busy.says("RPUSHX topics:drain v", "-PROD Server shutdown")
		busy.says("XADD drain * value v", "-TRYAGAIN Server shutdown")
		busy.says("BLPOP topics:drain 1", "-CONS Server shutdown")
	}
	for _, p := range []*peer{idle, busy} {
		if got := p.rest(); got != "" {
			t.Errorf("got %q at the end", got)
		}
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d connections were cut", cut)
	}
}

// A pipeline gets no refusal: its connection ends, and everybody sends again what has no answer. Some clients look at no
// answer, and would lose what is refused in words.
func TestDrainAnswersNoPipeline(t *testing.T) {
	for _, command := range []string{"RPUSH topics:drain v", "LPUSH topics:drain v", "RPUSHX topics:drain v", "PUBLISH drain v", "XADD drain * value v"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			d := open(t, Options{}, brokers...)
			d.drain.quiet, d.drain.longest = patience, patience // the refusal ends it, and not its silence
			p := d.dial(t)
			p.says("PING", "+PONG")
			drained := make(chan int)
			go func() { drained <- d.Drain(t.Context()) }()
			eventually(t, "the drain", d.drain.begun.Load)
			p.send(slices.Repeat([]string{command}, 20_000)...)
			if got := p.rest(); got != "" {
				t.Errorf("got %.80q", got)
			}
			p.Close()
			if cut := <-drained; cut != 0 {
				t.Errorf("%d connections were cut", cut)
			}
		})
	}
}

// The end of a connection that holds records would give these to others: it is told in words.
func TestDrainAnswersThePipelineOfWhoHoldsRecords(t *testing.T) {
	t.Parallel()
	d := open(t, Options{}, brokers...)
	p, topic := d.dial(t), fmt.Sprint("held-", time.Now().UnixNano())
	p.says("CLIENT SETNAME "+topic+":one", "+OK")
	p.says("RPUSH topics:"+topic+" v", ":1")
	if got := p.ask("BLPOP topics:" + topic + " 20"); len(got.([]any)) != 8 {
		t.Fatalf("BLPOP: %v", got)
	}
	drained := make(chan int)
	go func() { drained <- d.Drain(t.Context()) }()
	eventually(t, "the drain", d.drain.begun.Load)
	p.send("RPUSH topics:drain v", "RPUSH topics:drain v", "XADD drain * value v")
	p.hears("-PROD Server shutdown", "-PROD Server shutdown", "-TRYAGAIN Server shutdown")
	p.says("RPUSH acks "+topic+":0:0", ":1")
	if got := p.rest(); got != "" {
		t.Errorf("got %q at the end", got)
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d connections were cut", cut)
	}
}

// Clients that connect for each request get their answer although a drain begins meanwhile.
func TestDrainServesWhoHasJustCome(t *testing.T) {
	d := open(t, Options{}, brokers...)
	d.drain.quiet, d.drain.longest = patience/2, patience // nobody is sent away before it has been answered
	known, fresh, greeted := d.dial(t), d.dial(t), d.dial(t)
	known.says("RPUSHX topics:drain v", ":1")
	greeted.says("CLIENT SETNAME app:one", "+OK")
	fresh.says("CLIENT SETNAME app:two", "+OK") // it is accepted
	drained := make(chan int)
	go func() { drained <- d.Drain(t.Context()) }()
	eventually(t, "the drain", d.drain.begun.Load)
	fresh.says("RPUSHX topics:drain v", ":1")
	greeted.says("RPUSH topics:drain v", ":1")
	known.says("RPUSHX topics:drain v", "-PROD Server shutdown")
	for _, p := range []*peer{known, fresh, greeted} {
		p.Close()
	}
	if cut := <-drained; cut != 0 {
		t.Errorf("%d connections were cut", cut)
	}
}

// What has arrived is answered even if the machine was so busy that the session did not get its turn
// before the drain's patience was over.
func TestDrainHearsWhatHasArrived(t *testing.T) {
	d := open(t, Options{}, brokers...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	elsewhere := door{Server: d.Server, addr: l.Addr().String()}
	p := elsewhere.dial(t)
	p.send("PING")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	d.drain.since = time.Now().Add(-2 * d.drain.longest)
	d.drain.begun.Store(true)
	d.admit(conn.(*net.TCPConn), &ListenerOptions{})
	if got := p.rest(); got != "+PONG\r\n" {
		t.Errorf("got %q before the end", got)
	}
	d.sessions.running.Wait()
}

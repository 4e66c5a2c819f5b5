package resp

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// calls finds a command's numbers.
func (s Stats) calls(name string) CommandStat {
	for _, c := range s.Commands {
		if c.Name == name {
			return c
		}
	}
	return CommandStat{}
}

func (s Stats) ended(reason string) int64 {
	for _, c := range s.Closed {
		if c.Reason == reason {
			return c.N
		}
	}
	return -1
}

func TestCommandsAreCountedOnceWhateverBecomesOfThem(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	p.says("PING", "+PONG")
	p.says("PING", "+PONG")
	p.says("SELECT 9", "-ERR DB index is out of range")
	p.says("SELECT", "-ERR wrong number of arguments for 'select' command")
	p.says("RPUSH topics:measured v", ":1")
	p.says("RPUSH acks nonsense", "-CONS bad record id \"nonsense\": it must look like topic:partition:offset")
	p.says("XADD measured 1700000000000-* value v", "$20", "1700000000000-100000")
	p.says("XADD measured 5 value v", "-ERR the id of an entry is its position in Kafka and cannot be chosen: write *, or <ms>-* for the time of the record")
	p.says("RPUSHX topics:measured v", ":1")
	p.says("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: ")
	p.says("QUIT", "+OK")
	eventually(t, "the end of the connection", func() bool { return d.Stats().ended("quit") == 1 })

	now := d.Stats()
	for _, want := range []struct {
		name          string
		calls, failed int64
	}{
		{"ping", 2, 0},
		{"select", 2, 2},
		{"rpush", 2, 1},
		{"xadd", 2, 1},
		{"rpushx", 1, 0},
		{"unknown", 1, 1},
		{"quit", 1, 0},
		{"blpop", 0, 0},
	} {
		if got := now.calls(want.name); got.OK+got.Failed != want.calls || got.Failed != want.failed || got.Latency.Count != uint64(want.calls) {
			t.Errorf("%s: %d calls, %d failed, %d measured; want %d, %d", want.name, got.OK+got.Failed, got.Failed, got.Latency.Count, want.calls, want.failed)
		}
	}
	if now.Accepted != 1 || now.Connections != 0 {
		t.Errorf("%d accepted, %d open", now.Accepted, now.Connections)
	}
}

// A command that waits has waited so long; the ones before it in the pipeline have not.
func TestLatencyIsOfTheCommandItself(t *testing.T) {
	t.Parallel()
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	p.says("CLIENT SETNAME measured:one", "+OK")
	p.send("PING", "BLPOP topics:measured-idle 0.3")
	p.hears("+PONG")
	p.hears("*-1")
	eventually(t, "the count", func() bool { return d.Stats().calls("blpop").OK == 1 })
	now := d.Stats()
	waited := now.calls("blpop").Latency.Sum
	if waited < 0.3 {
		t.Errorf("BLPOP took %v s", waited)
	}
	if ping := now.calls("ping").Latency.Sum; ping >= waited {
		t.Errorf("PING took %v s, and BLPOP behind it %v s", ping, waited)
	}
}

func TestWhyConnectionsEnd(t *testing.T) {
	d := open(t, Options{CommandTimeout: 50 * time.Millisecond}, brokers...)
	for _, end := range []struct{ reason, input, answer string }{
		{"protocol", "*x", "-ERR Protocol error: invalid multibulk length"},
		{"http", "POST / HTTP/1.1", ""},
		{"slow_command", "*2\r\n$4", ""},
		{"quit", "QUIT", "+OK"},
	} {
		p := d.dial(t)
		p.send(end.input)
		if end.answer != "" {
			p.hears(end.answer)
		}
		eventually(t, end.reason, func() bool { return d.Stats().ended(end.reason) == 1 })
	}
	p := d.dial(t)
	_ = p.Close()
	eventually(t, "client", func() bool { return d.Stats().ended("client") == 1 })
}

// The accept loop shows that it lives, also when nobody comes.
func TestAcceptBeats(t *testing.T) {
	t.Parallel()
	beats, ended := make(chan string, 100), make(chan string, 1)
	opts := Options{Register: func(loop string, _ time.Duration) (beat, end func()) {
		return func() {
			select {
			case beats <- loop:
			default:
			}
		}, func() { ended <- loop }
	}}
	d := open(t, opts, brokers...)
	for range 2 {
		if loop := <-beats; loop != "accept:resp" {
			t.Errorf("%s beats", loop)
		}
	}
	d.Drain(t.Context())
	if loop := <-ended; loop != "accept:resp" {
		t.Errorf("%s ended", loop)
	}
}

// INFO counts every command once, those of sessions that wait and of transactions included.
func TestInfoCountsCommands(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	processed := func() int {
		t.Helper()
		text := p.ask("INFO stats").(string)
		_, rest, _ := strings.Cut(text, "total_commands_processed:")
		line, _, _ := strings.Cut(rest, "\r\n")
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return n
	}
	if n := processed(); n != 1 {
		t.Errorf("the first command is number %d", n)
	}
	p.send("PING", "NOSUCH", "MULTI", "PING", "PING", "EXEC", "CLIENT REPLY SKIP", "PING") // 8
	p.hears("+PONG", "-ERR unknown command 'NOSUCH', with args beginning with: ", "+OK", "+QUEUED", "+QUEUED", "*2", "+PONG", "+PONG")
	if n := processed(); n != 10 {
		t.Errorf("after ten commands: %d", n)
	}
	q, _ := d.waiting(t, "counted:one") // 3: CLIENT SETNAME, CLIENT ID, BLPOP
	eventually(t, "the count of one that waits", func() bool { return d.counters.started.Load() == 13 })
	q.Close()
}

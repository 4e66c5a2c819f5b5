package resp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/protocol"
)

const planted = "s3cr3t"

// No spelling of a command that carries a secret shows it.
func TestMonitorShowsNoSecrets(t *testing.T) {
	for _, line := range []string{
		"AUTH s3cr3t",
		"auth default s3cr3t",
		"AUTH default s3cr3t s3cr3t",
		"HELLO 3 AUTH default s3cr3t",
		"hello 3 setname x auth s3cr3t s3cr3t",
		"HELLO 3 SETNAME auth AUTH default s3cr3t",
		"HELLO 3 AUTH a b AUTH default s3cr3t",
		"CONFIG SET requirepass s3cr3t",
		"config set maxclients 1 masterauth s3cr3t",
		`BLPOP topics:t:{"sasl.password":"s3cr3t"} 1`,
		`BLPOP topics:t:{"sasl.oauthbearer.client.secret":"s3cr3t"} 1`,
		`BLPOP topics:t:{"ssl.key.pem":"s3cr3t"} 1`,
		`BLPOP topics:t:{"SASL.Password":"s3cr3t"} 1`,
		`BLPOP topics:t:{"client.id":"` + strings.Repeat("x", 40) + `","ssl.keystore.password":"s3cr3t"} 1`,
		"RPUSHX topics:t password=s3cr3t",
		"RPUSHX topics:t " + strings.Repeat("x", maxShownValue) + planted,
		"RPUSH topics:t" + strings.Repeat(" x", maxShownArgs) + " s3cr3t",
	} {
		args := bytes.Fields([]byte(line))
		if shown := string(appendCommand(nil, time.Now(), "127.0.0.1:1", args)); strings.Contains(shown, planted) {
			t.Errorf("%s\nis shown as %s", line, shown)
		}
	}
}

// What is no secret is there for the operator to see.
func TestMonitorShowsTheRest(t *testing.T) {
	for line, want := range map[string]string{
		"HELLO 3 AUTH default x":          `"HELLO" "3" "AUTH" "(redacted)" "(redacted)"`,
		"RPUSHX topics:tokens v":          `"RPUSHX" "topics:tokens" "v"`,
		"CONFIG GET requirepass":          `"CONFIG" "GET" "requirepass"`,
		"CLIENT SETNAME auth:w":           `"CLIENT" "SETNAME" "auth:w"`,
		`BLPOP topics:t:{"a":"b"} 1`:      `"BLPOP" "topics:t:{\"a\":\"b\"}" "1"`,
		"ECHO " + strings.Repeat("x", 65): `"ECHO" "` + strings.Repeat("x", 64) + `"...`,
	} {
		got := string(appendCommand(nil, time.Unix(1700000000, 5000), "127.0.0.1:1", bytes.Fields([]byte(line))))
		if got != "+1700000000.000005 [0 127.0.0.1:1] "+want+"\r\n" {
			t.Errorf("%s\nis shown as %s", line, got)
		}
	}
}

// A line is one line, printable and of bounded length, whatever the command.
func TestMonitorLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 100), 1, 60).Draw(t, "args")
		line := appendCommand(nil, time.Now(), "127.0.0.1:1", args)
		body, ended := bytes.CutSuffix(line, []byte("\r\n"))
		if !ended || bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q", line)
		}
		if longest := 100 + maxShownArgs*(4*maxShownValue+len(` ""...`)); len(line) > longest {
			t.Fatalf("%d bytes", len(line))
		}
	})
}

// A monitor that does not keep up is cut, and what was kept for it is let go.
func TestMonitorIsBounded(t *testing.T) {
	d := open(t, Options{}, brokers...)
	lookout := d.dial(t)
	lookout.says("MONITOR", "+OK")
	s := d.inOrder()[0]
	line := bytes.Repeat([]byte("x"), 1000)
	m := &monitor{session: s}
	for i := 0; !m.fellBehind(); i++ {
		if i > maxBacklog/len(line) {
			t.Fatal("never cut")
		}
		m.push(line)
		if len(m.lines) > maxBacklog {
			t.Fatalf("%d bytes are kept", len(m.lines))
		}
	}
	if m.lines != nil {
		t.Error("the lines of a monitor that was cut are kept")
	}
	_ = lookout.rest()
	eventually(t, "no watchers", func() bool { return !d.watchers.any() })
}

// Everybody who listens hears everybody, in both protocols, once; RESET ends it.
func TestMonitor(t *testing.T) {
	d := open(t, Options{}, brokers...)
	var lookouts []*peer
	for proto := 2; proto <= 3; proto++ {
		m := d.dial(t)
		m.ask(fmt.Sprintf("HELLO %d", proto))
		m.says("MONITOR", "+OK")
		m.says("MONITOR", "+OK") // again is no second time
		lookouts = append(lookouts, m)
	}
	p := d.dial(t)
	for i := range 100 {
		p.says(fmt.Sprintf("ECHO %d", i), fmt.Sprintf("$%d", len(fmt.Sprint(i))), fmt.Sprint(i))
	}
	for _, m := range lookouts {
		for i := range 100 {
			line := m.line()
			for strings.Contains(line, `"MONITOR"`) || strings.Contains(line, `"HELLO"`) {
				line = m.line()
			}
			if !strings.HasSuffix(line, fmt.Sprintf(`] "ECHO" "%d"`, i)) {
				t.Fatalf("got %s, want ECHO %d", line, i)
			}
		}
		m.send("RESET", "PING")
		for line := m.line(); line != "+RESET"; line = m.line() {
			if strings.Contains(line, "ECHO") { // else it is what the one before did last
				t.Fatal(line)
			}
		}
		m.hears("+PONG")
	}
	if d.watchers.any() {
		t.Error("somebody still listens")
	}
}

// There are so many monitors and no more; one that ends makes room.
func TestMonitorsAreCounted(t *testing.T) {
	d := open(t, Options{}, brokers...)
	last := d.dial(t)
	for range maxMonitors - 1 {
		d.dial(t).says("MONITOR", "+OK")
	}
	last.says("MONITOR", "+OK")
	p := d.dial(t)
	p.says("MONITOR", "-ERR 100 clients run MONITOR already, and more may not")
	p.says("PING", "+PONG") // it does not listen
	last.Close()
	eventually(t, "room", func() bool { return d.watchers.count.Load() < maxMonitors })
	p.says("MONITOR", "+OK")
}

// What waits for all monitors together is bounded: the one that is furthest behind is cut.
func TestMonitorsAreBoundedTogether(t *testing.T) {
	d := open(t, Options{}, brokers...)
	d.dial(t).says("PING", "+PONG")
	s := d.inOrder()[0]
	w := &watchers{}
	var monitors []*monitor
	for range maxBacklogs/maxBacklog + 4 {
		m := &monitor{session: &session{server: s.server, conn: s.conn}}
		w.add(m)
		monitors = append(monitors, m)
	}
	behind := monitors[0]
	behind.push(bytes.Repeat([]byte("x"), maxBacklog/10))
	args := [][]byte{[]byte("ECHO"), bytes.Repeat([]byte("x"), maxShownValue)}
	held := func() (total int) {
		for _, m := range monitors {
			total += len(m.lines)
		}
		return total
	}
	for range 2 * maxBacklog / 100 {
		w.tell(s, args)
		if got := held(); got > maxBacklogs {
			t.Fatalf("%d bytes wait", got)
		}
	}
	cut := 0
	for _, m := range monitors {
		if m.fellBehind() {
			cut++
		}
	}
	if !behind.fellBehind() || cut == 0 {
		t.Errorf("%d of %d were cut, the one furthest behind is among them: %v", cut, len(monitors), behind.fellBehind())
	}
}

// However many lines wait, no more are moved to the replies than are sent at once, and only whole ones.
func TestMonitorsLinesLeaveInPieces(t *testing.T) {
	d := open(t, Options{}, brokers...)
	d.dial(t).says("PING", "+PONG")
	m := &monitor{session: d.inOrder()[0]}
	var want bytes.Buffer
	for i := range 10_000 {
		line := fmt.Appendf(nil, "+line %d %s\r\n", i, strings.Repeat("x", i%70))
		want.Write(line)
		m.push(line)
	}
	var got bytes.Buffer
	for len(m.lines) > 0 {
		var out protocol.Encoder
		m.drain(&out)
		if out.Len() == 0 || out.Len() > flushAt || !bytes.HasSuffix(out.Bytes(), []byte("\r\n")) {
			t.Fatalf("%d bytes were moved", out.Len())
		}
		got.Write(out.Bytes())
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Error("the lines are not what they were")
	}
}

package resp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
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

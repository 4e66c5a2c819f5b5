package monitor

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

// A client that does not keep up is cut, and the lines that waited for it are let go.
func TestAMonitorIsBounded(t *testing.T) {
	var all Monitors
	cuts := 0
	m := all.Add(func() {}, func() { cuts++ })
	line := bytes.Repeat([]byte("x"), 1000)
	for i := 0; !m.WasCut(); i++ {
		if i > maxBacklog/len(line) {
			t.Fatal("never cut")
		}
		m.push(line)
		if len(m.lines) > maxBacklog {
			t.Fatalf("%d bytes are kept", len(m.lines))
		}
	}
	if m.lines != nil || cuts != 1 {
		t.Errorf("%d bytes are kept of a client that was cut %d times", len(m.lines), cuts)
	}
	m.push(line)
	if m.lines != nil || cuts != 1 {
		t.Errorf("%d bytes are kept after the end, and it was cut %d times", len(m.lines), cuts)
	}
}

// What waits for all monitors together is bounded: the one that is furthest behind is cut.
func TestMonitorsAreBoundedTogether(t *testing.T) {
	all := &Monitors{}
	var monitors []*Monitor
	for range maxBacklogs/maxBacklog + 4 {
		monitors = append(monitors, all.Add(func() {}, func() {}))
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
		all.Show("127.0.0.1:1", nil, args)
		if got := held(); got > maxBacklogs {
			t.Fatalf("%d bytes wait", got)
		}
	}
	cut := 0
	for _, m := range monitors {
		if m.WasCut() {
			cut++
		}
	}
	if !behind.WasCut() || cut == 0 {
		t.Errorf("%d of %d were cut, the one furthest behind is among them: %v", cut, len(monitors), behind.WasCut())
	}
}

// However many lines wait, no more are moved to the replies than are sent at once, and only whole ones.
func TestLinesLeaveInPieces(t *testing.T) {
	const most = 64 << 10
	var all Monitors
	m := all.Add(func() {}, func() {})
	var want bytes.Buffer
	for i := range 10_000 {
		line := fmt.Appendf(nil, "+line %d %s\r\n", i, strings.Repeat("x", i%70))
		want.Write(line)
		m.push(line)
	}
	var got bytes.Buffer
	for len(m.lines) > 0 {
		var out protocol.Encoder
		m.MoveTo(&out, most)
		if out.Len() == 0 || out.Len() > most || !bytes.HasSuffix(out.Bytes(), []byte("\r\n")) {
			t.Fatalf("%d bytes were moved", out.Len())
		}
		got.Write(out.Bytes())
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Error("the lines are not what they were")
	}
}

func TestAClientThatNeverMonitoredHasNoLines(t *testing.T) {
	var m *Monitor
	var out protocol.Encoder
	m.MoveTo(&out, 1)
	new(Monitors).Remove(m)
	if m.WasCut() || out.Len() != 0 {
		t.Errorf("cut: %v, %d bytes", m.WasCut(), out.Len())
	}
}

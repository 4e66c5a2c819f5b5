package limits

import (
	"crypto/tls"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Everything that cannot be a command is answered with Redis' own error, and the connection ends. The
// numbers are those that overflow something somewhere.
func TestMalformed(t *testing.T) {
	t.Parallel()
	p := serve(t)
	bulk := "$1048576\r\n" + strings.Repeat("x", mebi) + "\r\n"
	cases := map[string]struct{ input, reply string }{
		"a billion arguments":   {"*1000000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		"65537 arguments":       {"*65537\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		"2^31 arguments":        {"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		"2^63-1 arguments":      {"*9223372036854775807\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		"endless count":         {"*" + strings.Repeat("1", 100), "-ERR Protocol error: too big mbulk count string\r\n"},
		"2^31 bytes":            {"*1\r\n$2147483648\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		"2^63-1 bytes":          {"*1\r\n$9223372036854775807\r\nA", "-ERR Protocol error: invalid bulk length\r\n"},
		"a byte over 64 MiB":    {"*1\r\n$67108865\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		"a null argument":       {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		"a negative length":     {"*2\r\n$4\r\nPING\r\n$-2147483648\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		"endless length":        {"*1\r\n$" + strings.Repeat("9", 100), "-ERR Protocol error: too big bulk count string\r\n"},
		"no length":             {"*1\r\n$\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		"no dollar":             {"*1\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'\r\n"},
		"a line of 5000":        {strings.Repeat("A", 5000), "-ERR Protocol error: too big inline request\r\n"},
		"quotes left open":      {"PING \"x\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		"more than 64 MiB":      {"*5\r\n" + strings.Repeat(bulk, 4) + "$67108863\r\n", "-ERR Protocol error: too big command\r\n"},
		"POST":                  {"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nPING\r\n", ""},
		"zero bytes":            {strings.Repeat("\x00", 5000), "-ERR Protocol error: too big inline request\r\n"},
		"commands, then no end": {"PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n", "+PONG\r\n+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"},
	}
	p.attack(t, 32*mebi, func() {
		for name, c := range cases {
			conn := p.dial(t)
			conn.send(c.input)
			if got := conn.last(); got != c.reply {
				t.Errorf("%s: got %.200q, want %q", name, got, c.reply)
			}
		}
	})
}

// What is above the limits is read to its end, answered, and not kept. The connection goes on.
func TestLargeCommandsAreAnswered(t *testing.T) {
	t.Parallel()
	p := serve(t)
	p.attack(t, 32*mebi, func() {
		c := p.dial(t)
		for _, large := range []struct{ command, answer string }{
			{command("RPUSH", "topics:large", strings.Repeat("x", 5_000_000)), "-PROD rejected: an argument of 5000000 bytes is above resp.limits.bulk, 1048588"},
			{command("XADD", "large", "*", "header", strings.Repeat("x", 5_000_000)), "-ERR rejected: an argument of 5000000 bytes is above resp.limits.bulk, 1048588"},
			{command("RPUSHX", "topics:large", strings.Repeat("x", 60*mebi)), "-PROD rejected: an argument of 62914560 bytes is above resp.limits.bulk, 1048588"},
			{
				command(append([]string{"RPUSH", "topics:large"}, slices.Repeat([]string{strings.Repeat("x", mebi)}, 20)...)...),
				"-PROD rejected: a command of 20971537 bytes is above resp.limits.command, 4194304",
			},
			{command("ECHO", strings.Repeat("x", 5_000_000)), "-ERR an argument of 5000000 bytes is above resp.limits.bulk, 1048588"},
			{command("BLPOP", "topics:"+strings.Repeat("x", 5_000_000), "1"), "-CONS an argument of 5000007 bytes is above resp.limits.bulk, 1048588"},
		} {
			c.send(large.command + command("PING"))
			c.expect(large.answer)
			c.expect("+PONG")
		}
	})
}

// What is just within the limits works.
func TestLargestCommands(t *testing.T) {
	t.Parallel()
	p := serve(t)
	c := p.dial(t)
	c.send(command("EXISTS", strings.Repeat("x", mebi), strings.Repeat("y", mebi), strings.Repeat("z", mebi)))
	c.expect(":0")
	c.send(command(append([]string{"EXISTS"}, strings.Fields(strings.Repeat("k ", 65535))...)...))
	c.expect(":0")
	c.send("PING " + strings.Repeat("x", 4091) + "\r\n")
	c.expect("$4091")
}

// A browser sent here, with any method: closed, and nothing after the Host header is looked at.
func TestHTTP(t *testing.T) {
	t.Parallel()
	p := serve(t)
	for _, method := range []string{"GET", "PUT", "OPTIONS", "POST"} {
		c := p.dial(t)
		c.send(method + " / HTTP/1.1\r\nhost: localhost\r\n\r\nECHO reached\r\n")
		if got := c.last(); strings.Contains(got, "reached") || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: %q", method, got)
		}
	}
}

// A TLS client on the plain port waits no longer than for any unfinished command.
func TestTLS(t *testing.T) {
	t.Parallel()
	p := serve(t, "resp: {command_timeout: 300ms}")
	c := p.dial(t)
	err := tls.Client(c.TCPConn, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12}).HandshakeContext(p.ctx)
	if err == nil || p.ctx.Err() != nil {
		t.Errorf("a handshake with a plain port: %v", err)
	}
}

// Random bytes, in many connections: no panic, nothing left behind.
func TestGarbage(t *testing.T) {
	t.Parallel()
	p := serve(t)
	random := rand.NewChaCha8([32]byte{7})
	before := p.descriptors(t)
	p.attack(t, 32*mebi, func() {
		for i := range 500 {
			junk := make([]byte, 1+i*13%5000)
			_, _ = random.Read(junk)
			if i%2 == 0 { // else almost none begins as an array
				copy(junk, "*3\r\n$2\r\n")
			}
			c := p.dial(t)
			c.send(string(junk))
			_ = c.CloseWrite()
			c.last()
			c.Close()
		}
	})
	p.until(t, func() error { return atMost("descriptors", p.descriptors(t), before+5) })
}

// Connections that come and go leave no descriptor, thread or memory behind.
func TestChurn(t *testing.T) {
	t.Parallel()
	p := serve(t)
	before := p.descriptors(t)
	p.attack(t, 32*mebi, func() {
		deadline := time.Now().Add(time.Second)
		for time.Now().Before(deadline) {
			c := p.dial(t)
			c.ping()
			c.Close()
		}
	})
	p.until(t, func() error { return atMost("descriptors", p.descriptors(t), before+5) })
}

package limits

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func readFile(name string) (string, error) {
	b, err := os.ReadFile(name)
	return string(b), err
}

const commandTimeout = 400 * time.Millisecond

func slowProxy(t *testing.T) *proxy { return serve(t, "resp: {command_timeout: 400ms}") }

// A command that is never finished, however busily it drips, is cut; silence between commands is not.
func TestSlowloris(t *testing.T) {
	t.Parallel()
	p := slowProxy(t)
	idle := p.dial(t)
	idle.ping()
	p.attack(t, 16*mebi, func() {
		var going sync.WaitGroup
		for _, beginning := range []string{"*2\r\n$4\r\nECHO\r\n$1000\r\n", "ECHO ", "*100", "*1\r\n$400"} {
			silent, dripping := p.dial(t), p.dial(t)
			silent.send(beginning)
			dripping.send(beginning)
			going.Go(func() { silent.last() })
			going.Go(func() { dripping.drip(t) })
		}
		going.Wait()
	})
	idle.ping()
}

// drip sends a byte now and then until the proxy has had enough.
func (c *client) drip(t *testing.T) {
	tick := time.NewTicker(commandTimeout / 20)
	defer tick.Stop()
	taken := 0
	for range tick.C {
		if _, err := c.Write([]byte("1")); err != nil {
			break
		}
		taken++
	}
	if taken < 2 {
		t.Errorf("cut after %d bytes, before the timeout", taken)
	}
}

// A client that keeps sending is never slow, even though the end of what was read is hardly ever the
// end of a command.
func TestBusyPipelineIsNotSlow(t *testing.T) {
	t.Parallel()
	p := slowProxy(t)
	for {
		err, held := sendBusily(p.dial(t))
		if err == nil {
			return
		}
		if !held { // else the machine let nobody send, and the client was slow
			t.Fatal(err)
		}
	}
}

// sendBusily sends commands for several times the time of one. held says that it could send nothing for half of that time.
func sendBusily(c *client) (err error, held bool) { //nolint:revive // the error is what the caller asks for
	one := command("ECHO", strings.Repeat("x", 997))
	// Every write ends in the middle of a command.
	batch := []byte(one[500:] + strings.Repeat(one, 500) + one[:500])
	c.send(one[:500])
	replies := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, c.bytes)
		replies <- n
	}()
	last := time.Now()
	for deadline := last.Add(4 * commandTimeout); time.Now().Before(deadline); {
		held = held || time.Since(last) > commandTimeout/2
		if _, err := c.Write(batch); err != nil {
			return fmt.Errorf("a busy client was cut: %w", err), held
		}
		last = time.Now()
	}
	_ = c.CloseWrite()
	if n := <-replies; n == 0 {
		return errors.New("no replies"), held
	}
	return nil, held
}

// The rest of a command that came in time was sent in time, even if sluice stood still meanwhile.
func TestWhoStoodStillCutsNobody(t *testing.T) {
	t.Parallel()
	p := slowProxy(t)
	for range 3 {
		c := p.dial(t)
		c.ping()
		c.send("*1\r\n$4\r\nPI")
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		c.send("NG\r\n")
		<-time.After(commandTimeout + commandTimeout/2) // the clock of the proxy goes on
		if err := p.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		c.expect("+PONG")
	}
}

// Strangers get little: ten arguments, 16 KiB, a line of 1 KiB, five guesses, and their time is short.
func TestStrangers(t *testing.T) {
	t.Parallel()
	p := serveSecret(t)
	cases := map[string]struct{ input, reply string }{
		"11 arguments":     {"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"},
		"16 KiB and one":   {"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"},
		"2^31 bytes":       {"*1\r\n$2147483648\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		"a line of 1 KiB":  {strings.Repeat("A", 1100), "-ERR Protocol error: too big inline request\r\n"},
		"5 wrong guesses":  {strings.Repeat("AUTH x\r\n", 6), strings.Repeat("-WRONGPASS invalid username-password pair or user is disabled.\r\n", 5)},
		"silence":          {"", ""},
		"half a command":   {"*2\r\n$4\r\nAU", ""},
		"chatter":          {"PING\r\n", "-NOAUTH Authentication required.\r\n"},
		"no way to listen": {"MONITOR\r\n", "-NOAUTH Authentication required.\r\n"},
	}
	p.attack(t, 16*mebi, func() {
		for name, c := range cases {
			conn := p.dial(t)
			conn.send(c.input)
			if got := conn.last(); got != c.reply {
				t.Errorf("%s: got %.200q, want %q", name, got, c.reply)
			}
		}
	})
}

// Refusals that nobody reads do not pile up (CVE-2025-21605 of Redis), and the time to authenticate
// is over however busy the stranger is.
func TestRefusalsNeverRead(t *testing.T) {
	t.Parallel()
	p := serveSecret(t)
	p.attack(t, 16*mebi, func() {
		p.dialSlow(t).flood(bytes.Repeat([]byte("PING\r\n"), 1000))
		c := p.dial(t)
		go func() { _, _ = io.Copy(io.Discard, c.TCPConn) }()
		c.flood(bytes.Repeat([]byte("PING\r\n"), 1000))
	})
}

// serveSecret starts a proxy with a password; its witnesses know it.
func serveSecret(t *testing.T) *proxy {
	t.Helper()
	return serve(t, "resp: {auth_timeout: 500ms, write_timeout: 500ms}", "users: {password: "+password+"}")
}

const password = "open-sesame"

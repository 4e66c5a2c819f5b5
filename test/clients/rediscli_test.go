//go:build clients

package clients

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/test/clients/packages"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// redis-cli as a person uses it: the formatted answers of one session.
func TestRedisCLI(t *testing.T) {
	harnesstest.Need(t, "redis-cli")
	for name, flag := range map[string]string{"RESP2": "-2", "RESP3": "-3"} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			host, port, err := net.SplitHostPort(d.Addr)
			if err != nil {
				t.Fatal(err)
			}
			commands, answers := conversation(name)
			got := packages.Run(t, ".", clientPatience, commands, "redis-cli", "-h", host, "-p", port, flag, "--no-raw")
			if strings.TrimSpace(got) != strings.TrimSpace(answers) {
				t.Errorf("redis-cli %s printed\n%s\nwant\n%s", flag, got, answers)
			}
			d.expectCommitted(t, "myapp", 1)
			d.expectValues(t, "Hello there!")
		})
	}
}

func conversation(protocol string) (commands, answers string) {
	steps := [][2]string{
		{`PING`, `PONG`},
		{`RPUSHX topics:greetings "Hello there!"`, `(integer) 1`},
		{`DUMP 10000`, `(integer) 0`},
		{`BLPOP topics:greetings 1`, `(error) CONS Connection not ready. Identify yourself using CLIENT SETNAME first`},
		{`CLIENT SETNAME myapp:worker-1`, `OK`},
		{`BLPOP topics:greetings 15.5`, `1) "topic"
2) "greetings"
3) "partition"
4) (integer) 0
5) "offset"
6) (integer) 0
7) "value"
8) "Hello there!"`},
		{`RPUSH acks greetings:0:0`, `(integer) 1`},
		{`BLPOP topics:greetings 0.1`, `(nil)`},
		{`NOSUCH a`, `(error) ERR unknown command 'NOSUCH', with args beginning with: 'a' `},
		{`CONFIG GET databases`, "1) \"databases\"\n2) \"1\""},
		{`KEYS topics:`, `1) "topics:greetings"`},
	}
	for _, s := range steps {
		commands += s[0] + "\n"
		answer := s[1]
		if protocol == "RESP3" && s[0] == "CONFIG GET databases" {
			answer = `1# "databases" => "1"`
		}
		answers += answer + "\n"
	}
	return commands, answers
}

// The two lines that a newcomer pastes, each a connection of its own.
func TestRedisCLIOneShot(t *testing.T) {
	harnesstest.Need(t, "redis-cli")
	d := open(t)
	host, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		t.Fatal(err)
	}
	got := packages.Run(t, ".", clientPatience, "", "redis-cli", "-h", host, "-p", port, "RPUSH", "topics:greetings:key", "Hello there!")
	if strings.TrimSpace(got) != "1" {
		t.Errorf("printed %q", got)
	}
	got = packages.Run(t, ".", clientPatience, "x", "redis-cli", "-h", host, "-p", port, "-x", "RPUSHX", "topics:greetings")
	if strings.TrimSpace(got) != "1" {
		t.Errorf("printed %q", got)
	}
	got = packages.Run(t, ".", clientPatience, "", "redis-cli", "-h", host, "-p", port,
		"XADD", "greetings", "*", "value", `{"sku":9}`, "key", "c-17", "traceparent", "00-1-2-01")
	if !regexp.MustCompile(`^[1-9][0-9]{12}-200000\n$`).MatchString(got) {
		t.Errorf("XADD printed %q", got)
	}
	got = packages.Run(t, ".", clientPatience, "", "redis-cli", "-h", host, "-p", port, "--scan", "--pattern", "topics:*")
	if strings.TrimSpace(got) != "topics:greetings" {
		t.Errorf("--scan printed %q", got)
	}
}

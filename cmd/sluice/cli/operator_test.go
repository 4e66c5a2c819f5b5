package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-proxy/sluice/test/harness"
)

// operated starts a sluice with a configuration file and a control socket.
func operated(t *testing.T) (p *program, file, socket string) {
	t.Helper()
	file, socket = write(t, "sluice.yaml", "resp: {max_clients: 1}\n"), filepath.Join(t.TempDir(), "s")
	p = startProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "-c", file, "--control", socket)
	return p, file, socket
}

// getsReady waits until sluice is ready. Doors open before that.
func getsReady(t *testing.T, socket string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := harness.Until(ctx, func(context.Context) error {
		if _, out, err := command("ctl", "status", "--socket", socket); !strings.Contains(out, "\nready\n") {
			return errors.New(out + err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARunningSluiceReloads(t *testing.T) {
	p, file, socket := operated(t)
	address := p.says(redisOpen)
	getsReady(t, socket)
	_, one := talk(t, address, "PING\r\n")
	expect(t, one, "+PONG\r\n")
	_, refused := talk(t, address, "")
	expect(t, refused, "-ERR max number of clients")

	rewrite(t, file, "resp: {max_clients: 2, address: '127.0.0.1:1'}\nproduce: {in_flight: 5}\n")
	status, out, err := command("ctl", "reload", "--socket", socket)
	want := "changed at once: resp.max_clients\nchanged at once: produce.in_flight\n"
	if status != exitOK || out != want {
		t.Fatalf("status %d: %s%s", status, out, err)
	}
	_, two := talk(t, address, "PING\r\n")
	expect(t, two, "+PONG\r\n")

	rewrite(t, file, "kafka:\n  in_flight: 5\n")
	status, _, err = command("ctl", "reload", "--socket", socket)
	if want := file + ":2:3: kafka.in_flight is called produce.in_flight now\n"; status != exitConfig || err != want {
		t.Errorf("status %d: %s", status, err)
	}
	rewrite(t, file, "resp: {max_clients: 3}\nlog:\n  level: loud\n")
	status, _, err = command("ctl", "reload", "--socket", socket)
	wrong := file + ":3:10: log.level: \"loud\" is not one of debug, info, warn, error\n"
	if status != exitConfig || err != wrong {
		t.Errorf("status %d: %s", status, err)
	}
	_, out, err = command("ctl", "status", "--socket", socket)
	for _, want := range []string{"\nready\n", "the last reload failed, at ", "    " + wrong, "\nclients: 2\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in the status:\n%s%s", want, out, err)
		}
	}
	_, refused = talk(t, address, "")
	expect(t, refused, "-ERR max number of clients")

	rewrite(t, file, "log: {level: debug}\n")
	p.signal(syscall.SIGHUP)
	p.says(`msg=reloaded changed="?\[resp.max_clients log.level`)
}

func TestARunningSluiceDrainsOnOrder(t *testing.T) {
	p, _, socket := operated(t)
	p.says(redisOpen)
	if status, out, err := command("ctl", "drain", "--socket", socket); status != exitOK || out != "draining\n" {
		t.Errorf("status %d: %s%s", status, out, err)
	}
	p.endsWith(exitOK)
	if _, err := os.Stat(socket); err == nil {
		t.Error("the control socket is left behind")
	}
}

// noisy makes sluice log more than a pipe holds.
func noisy(t *testing.T, address string) {
	t.Helper()
	for range 1000 {
		_, replies := talk(t, address, "*1\r\n$-7\r\n")
		expect(t, replies, "-ERR Protocol error")
	}
}

func TestAStuckReaderOfTheLogStopsNoClient(t *testing.T) {
	read, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p := newProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "--management", "", "--http", "", "--log-level", "debug")
	p.cmd.Stderr = stderr
	p.start()
	stderr.Close()
	address := "127.0.0.1:" + p.says(`redis-cli -p (\d+) RPUSHX`)
	noisy(t, address)
	_, replies := talk(t, address, "RPUSH topics:t x\r\n")
	expect(t, replies, ":1\r\n")
	p.signal(syscall.SIGTERM)
	p.endsWith(exitOK)
}

func TestAReaderOfTheLogThatGoesAwayIsNotTheEnd(t *testing.T) {
	read, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "--management", "", "--http", "", "--log-level", "debug")
	p.cmd.Stderr = stderr
	p.start()
	stderr.Close()
	address := "127.0.0.1:" + p.says(`redis-cli -p (\d+) RPUSHX`)
	read.Close()
	noisy(t, address)
	_, replies := talk(t, address, "RPUSH topics:t x\r\n")
	expect(t, replies, ":1\r\n")
}

func TestUnderTheJournalEveryLineHasAPriority(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	info, err := stderr.Stat()
	if err != nil {
		t.Fatal(err)
	}
	at := info.Sys().(*syscall.Stat_t)
	p := newProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:99999")
	p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", at.Dev, at.Ino))
	p.cmd.Stderr = stderr
	p.start()
	p.endsWith(exitConfig)
	said, err := os.ReadFile(stderr.Name())
	if err != nil || string(said) != "<3>resp.address: \"127.0.0.1:99999\": \"99999\" is not a port\n" {
		t.Errorf("%q, %v", said, err)
	}
}

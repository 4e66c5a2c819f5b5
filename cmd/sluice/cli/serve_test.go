package cli

import (
	"net"
	"strings"
	"syscall"
	"testing"
)

const (
	redisOpen      = `door open" door=resp address=(127\.0\.0\.1:\d+)`
	managementOpen = `door open" door=management address=(127\.0\.0\.1:\d+)`
)

func TestServeWithABrokerInside(t *testing.T) {
	p := startProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "--state-dir", t.TempDir())
	broker := p.says(`embedded broker started" address=(127\.0\.0\.1:\d+)`)
	address := p.says(redisOpen)
	_, port, _ := net.SplitHostPort(address)
	p.says(`redis-cli -p ` + port + ` RPUSHX topics:greetings "Hello there!"`)

	_, replies := talk(t, address, "RPUSHX topics:greetings \"Hello there!\"\r\nDUMP 10000\r\n")
	expect(t, replies, ":1\r\n:0\r\n")
	status, out, errors := command("topics", "--brokers", broker)
	if want := "TOPIC      PARTITIONS  RECORDS\ngreetings  1           1\n"; status != exitOK || out != want {
		t.Errorf("sluice topics: status %d\n%s%s", status, out, errors)
	}
	status, _, errors = command("topics", "describe", "nothing", "--brokers", broker)
	if status != exitFailed || !strings.Contains(errors, "nothing") {
		t.Errorf("sluice topics describe nothing: status %d, %s", status, errors)
	}
	p.signal(syscall.SIGTERM)
	p.endsWith(exitOK)
	p.says("msg=stopped")
}

func TestTheDoorsOpenWithoutABroker(t *testing.T) {
	p := startProgram(t, "serve", "--brokers", freeAddress(t), "--resp", "127.0.0.1:0")
	_, replies := talk(t, p.says(redisOpen), "PING\r\n")
	expect(t, replies, "+PONG\r\n")
	p.says("no broker answers: the doors are open")
	p.signal(syscall.SIGINT)
	p.endsWith(exitOK)
}

func TestARecordThatReachesNoBrokerIsNamedAtTheEnd(t *testing.T) {
	p := startProgram(t, "serve", "--brokers", freeAddress(t), "--resp", "127.0.0.1:0")
	_, replies := talk(t, p.says(redisOpen), "RPUSHX topics:greetings x\r\n")
	expect(t, replies, ":1\r\n")
	p.signal(syscall.SIGTERM)
	p.says("draining")
	p.signal(syscall.SIGTERM)
	p.endsWith(exitFailed)
	p.says(`sluice: .*1 record`)
}

func TestASecondSignalCutsWhoStillOwes(t *testing.T) {
	config := write(t, "sluice.yaml", "drain_grace: 1h\n")
	p := startProgram(t, "serve", "--embedded", "--resp", "127.0.0.1:0", "-c", config)
	_, replies := talk(t, p.says(redisOpen), "RPUSH topics:t x\r\nCLIENT SETNAME g:m\r\nBLPOP topics:t 20\r\n")
	expect(t, replies, ":1\r\n+OK\r\n*8\r\n")
	p.signal(syscall.SIGTERM)
	p.says("draining; a second signal cuts")
	p.signal(syscall.SIGTERM)
	p.says("second signal")
	p.says("connections=1")
	p.endsWith(exitOK)
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := startProgram(t, "serve", "--embedded", "--resp", taken.Addr().String())
	p.endsWith(exitFailed)
	p.says(`sluice: resp\.address: listen tcp .*: address already in use`)
}

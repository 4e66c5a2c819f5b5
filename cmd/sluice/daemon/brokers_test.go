package daemon

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/kafka"
)

func TestTheOperatorHearsOnceOfBrokersThatAreAwayAndOfTheirReturn(t *testing.T) {
	var said strings.Builder
	r := brokerLog{log: slog.New(slog.NewTextHandler(&said, nil)), addresses: []string{"a:1"}}
	refused := errors.New("connection refused")
	for _, err := range []error{kafka.ErrNotAsked, nil, nil, refused, refused, nil, nil} {
		r.reached(err)
	}
	for _, want := range []string{
		`level=WARN msg="no broker answers: the doors are open, and records wait until one does" brokers=[a:1] err="connection refused"`,
		`level=INFO msg="a broker answers" brokers=[a:1]`,
	} {
		if strings.Count(said.String(), want) != 1 {
			t.Errorf("not said once: %s\n%s", want, said.String())
		}
	}
	if n := strings.Count(said.String(), "\n"); n != 2 {
		t.Errorf("%d lines:\n%s", n, said.String())
	}
}

func TestTheOperatorHearsOnceOfABrokerThatIsSilent(t *testing.T) {
	var said strings.Builder
	r := brokerLog{log: slog.New(slog.NewTextHandler(&said, nil))}
	one, two := kafka.Broker{ID: 1, Host: "kafka1", Port: 9092}, kafka.Broker{ID: 2, Host: "kafka2", Port: 9092}
	for _, silent := range [][]kafka.Broker{nil, {one}, {one}, {one, two}, {two}, nil, nil} {
		r.silent(silent)
	}
	for _, want := range []string{
		`level=WARN msg="a broker does not answer: its partitions stand still until others lead them" broker=1 address=kafka1:9092`,
		`level=WARN msg="a broker does not answer: its partitions stand still until others lead them" broker=2 address=kafka2:9092`,
		`level=INFO msg="a broker answers again, or has left the cluster" broker=1 address=kafka1:9092`,
		`level=INFO msg="a broker answers again, or has left the cluster" broker=2 address=kafka2:9092`,
	} {
		if strings.Count(said.String(), want) != 1 {
			t.Errorf("not said once: %s\n%s", want, said.String())
		}
	}
	if n := strings.Count(said.String(), "\n"); n != 4 {
		t.Errorf("%d lines:\n%s", n, said.String())
	}
}

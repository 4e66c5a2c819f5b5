package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
)

func TestDialAddress(t *testing.T) {
	for broker, want := range map[string]string{
		"kafka1":                 "kafka1:9092",
		"kafka1:19092":           "kafka1:19092",
		"SASL_SSL://kafka1:9093": "kafka1:9093",
		"PLAINTEXT://kafka1":     "kafka1:9092",
		"[::1]":                  "[::1]:9092",
		"[::1]:1":                "[::1]:1",
	} {
		if got := dialAddress(broker); got != want {
			t.Errorf("dialAddress(%q) = %q, want %q", broker, got, want)
		}
	}
}

// freeAddress is one that nobody listens at, for as long as nobody else takes it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTheOperatorHearsOfBrokersThatAreAwayAndOfTheirReturn(t *testing.T) {
	address := freeAddress(t)
	lines, w := io.Pipe()
	var watching sync.WaitGroup
	watching.Go(func() {
		watchReach(context.Background(), slog.New(slog.NewTextHandler(w, nil)), []string{address})
		w.Close()
	})
	said := bufio.NewScanner(lines)
	said.Scan()
	if !strings.Contains(said.Text(), "no broker answers: the doors are open") {
		t.Errorf("first %s", said.Text())
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said.Scan()
	if !strings.Contains(said.Text(), "a broker answers") {
		t.Errorf("then %s", said.Text())
	}
	if said.Scan() {
		t.Errorf("and %s", said.Text())
	}
	watching.Wait()
}

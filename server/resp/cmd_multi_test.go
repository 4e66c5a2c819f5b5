package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Queued arguments outlive the buffer that they came in.
func TestTransactionKeepsItsArguments(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	p.says("MULTI", "+OK")
	var want []any
	for i := range 200 {
		word := fmt.Sprintf("%d-%s", i, strings.Repeat("x", i*10))
		p.says("ECHO "+word, "+QUEUED")
		want = append(want, word)
	}
	if diff := cmp.Diff(want, p.ask("EXEC")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTransactionIsBounded(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	p.says("MULTI", "+OK")
	for range maxQueued {
		p.says("PING", "+QUEUED")
	}
	p.says("PING", fmt.Sprintf("-ERR a transaction cannot hold more than %d commands or %d bytes", maxQueued, maxQueuedBytes))
	p.says("EXEC", "-"+string(errAborted))
	p.says("PING", "+PONG")

	tx, huge := &transaction{}, make([]byte, maxQueuedBytes/4)
	for range 3 {
		if err := tx.queue([][]byte{[]byte("echo"), huge}); err != nil {
			t.Fatal(err)
		}
	}
	if tx.queue([][]byte{[]byte("echo"), huge}) == nil {
		t.Error("more bytes were queued than may be")
	}
}

// Delivered produces, settlements and waits inside EXEC answer in their places, without waiting for
// records.
func TestTransactionOfRafkaCommands(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	p.says("CLIENT SETNAME txapp:w", "+OK")
	p.send("RPUSH topics:tx before", "MULTI", "RPUSH topics:tx a b", "BLPOP topics:tx-empty 0", "RPUSH acks tx:0:99", "DUMP 1000",
		"RPUSHX nonsense v", "EXEC", "PING")
	p.hears(":1", "+OK", "+QUEUED", "+QUEUED", "+QUEUED", "+QUEUED", "+QUEUED",
		"*5", ":2", "*-1", ":0", ":0")
	if got, ok := p.reply().(failure); !ok || !strings.HasPrefix(string(got), "PROD ") {
		t.Errorf("got %v", got)
	}
	p.hears("+PONG")
}

// A transaction ends with what ends the session, and never half.
func TestTransactionEnds(t *testing.T) {
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	id := p.ask("CLIENT ID").(int64)
	p.send("MULTI", "PING", fmt.Sprintf("CLIENT KILL ID %d SKIPME no", id), "PING", "EXEC", "PING")
	if got := p.rest(); got != "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+PONG\r\n:1\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestDeepCopy(t *testing.T) {
	args := [][]byte{[]byte("echo"), {}, []byte("value")}
	kept := deepCopy(args)
	clear(args[2])
	_ = append(kept[0], "overwritten"...)
	if diff := cmp.Diff([]string{"echo", "", "value"}, []string{string(kept[0]), string(kept[1]), string(kept[2])}); diff != "" {
		t.Error(diff)
	}
}

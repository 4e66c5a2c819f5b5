package resp

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// silentBroker accepts connections and never answers.
func silentBroker(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var going sync.WaitGroup
	var held []net.Conn
	going.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, conn)
		}
	})
	t.Cleanup(func() {
		l.Close()
		going.Wait()
		for _, conn := range held {
			conn.Close()
		}
	})
	return l.Addr().String()
}

// Asking a Kafka that does not answer keeps nobody else waiting, ends when the client is killed, and
// ends by itself with an error that says to try again.
func TestKeysWithoutKafka(t *testing.T) {
	t.Parallel()
	d := open(t, Options{}, silentBroker(t))
	p, r, other := d.dial(t), d.dial(t), d.dial(t)
	id := r.ask("CLIENT ID").(int64)
	p.send("KEYS topics:")
	r.send("EXISTS topics:a")
	other.says(fmt.Sprintf("CLIENT KILL ID %d", id), ":1")
	eventually(t, "the end of who was killed", func() bool { return d.sessions.withID(id) == nil })
	other.says("EXISTS nosuch stats", ":1") // no topic among them: Kafka is not asked
	if !d.topics.Asking() {
		t.Error("both had to wait until Kafka was given up")
	}
	if got, ok := p.reply().(failure); !ok || !strings.HasPrefix(string(got), "TRYAGAIN ") {
		t.Errorf("got %v", got)
	}
	p.says("PING", "+PONG")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	d := open(t, Options{}, brokers...)
	p := d.dial(t)
	for i := range 20 {
		p.says(fmt.Sprintf("RPUSH topics:keys-%02d v", i), ":1")
		// What this client has been told exists is there at once, whoever else is asking.
		if got := p.ask("EXISTS topics:keys-" + fmt.Sprintf("%02d", i)); got != int64(1) {
			t.Fatalf("keys-%02d: %v", i, got)
		}
	}
	all := p.ask("KEYS topics:keys-*").([]any)
	if len(all) != 20 || all[0] != "topics:keys-00" || !slices.IsSortedFunc(all, func(a, b any) int { return strings.Compare(a.(string), b.(string)) }) {
		t.Errorf("%v", all)
	}
	for line, want := range map[string]any{
		"KEYS topics:keys-0[1-3]":                         "topics:keys-01 topics:keys-02 topics:keys-03",
		"KEYS keys-00":                                    "",
		"KEYS " + strings.Repeat("*", 2000):               "",
		"KEYS topics:keys-00" + strings.Repeat("*a", 300): "",
	} {
		if got := joined(p.ask(line).([]any)); got != want {
			t.Errorf("%.40s: %s", line, got)
		}
	}
	for line, want := range map[string]any{
		"TYPE topics:keys-00":                    status("list"),
		"TYPE topics:keys-nosuch":                status("none"),
		"TYPE stats":                             status("hash"),
		"TYPE keys-00":                           status("none"),
		"EXISTS topics:keys-00 x topics:keys-00": int64(2),
		"SCAN 7":                                 nil,
		"SCAN 0 MATCH topics:keys-00 TYPE hash":  nil,
	} {
		got := p.ask(line)
		if page, ok := got.([]any); ok {
			if got = any(nil); page[0] != "0" || len(page[1].([]any)) != 0 {
				got = page
			}
		}
		if got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

// Many who ask at once share the questions.
func TestKeysTogether(t *testing.T) {
	d := open(t, Options{}, brokers...)
	d.dial(t).says("RPUSH topics:together v", ":1")
	var going sync.WaitGroup
	for range 50 {
		p := d.dial(t)
		going.Go(func() {
			for range 20 {
				p.send("KEYS topics:together", "PING")
				p.hears("*1", "$15", "topics:together", "+PONG")
			}
		})
	}
	going.Wait()
	eventually(t, "no question under way", func() bool { return !d.topics.Asking() })
}

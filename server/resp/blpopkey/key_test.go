package blpopkey

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/protocol"
)

var worker = kafka.Identity{Group: "app", Name: "worker"}

// parse reads a key as sessions do.
func parse(t *testing.T, text string) (*Key, error) {
	t.Helper()
	topics, settings, err := protocol.ParseConsumeKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Parse([]byte(text), topics, settings, worker, Defaults{})
}

func mustParse(t *testing.T, text string) *Key {
	t.Helper()
	k, err := parse(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSettingsOfAKey(t *testing.T) {
	k := mustParse(t, `topics:a,b:{"sluice.ack":"none","sluice.batch":7,"fetch.min.bytes":1,"check.crcs":true}`)
	if k.Ack != kafka.AckNone || k.Batch != 7 || len(k.Topics) != 2 {
		t.Errorf("%+v", k)
	}
	if len(k.Overrides) != 2 || k.Overrides["fetch.min.bytes"] != "1" || k.Overrides["check.crcs"] != "true" {
		t.Errorf("librdkafka gets %v", k.Overrides)
	}
	if k := mustParse(t, `topics:a:{"enable.auto.offset.store":"true"}`); k.Ack != kafka.AckNext || len(k.Overrides) != 0 {
		t.Errorf("%+v", k)
	}
	if k := mustParse(t, "topics:a"); k.Batch != 1 || k.Ack != kafka.AckExplicit {
		t.Errorf("%+v", k)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`topics:a:{"sluice.ack":"later"}`:              "must be explicit, auto or none",
		`topics:a:{"sluice.reply":"xml"}`:              "must be rafka, strings, full or pair",
		`topics:a:{"sluice.batch":0}`:                  "must be a number from 1 to 1000",
		`topics:a:{"sluice.batch":1001}`:               "must be a number from 1 to 1000",
		`topics:a:{"sluice.colour":"red"}`:             "no such option",
		`topics:a:{"sluice.dispatch":"fair"}`:          "sluice.dispatch=fair: must be ordered, keyed or shared",
		`topics:a:{"sluice.max_retries":-1}`:           `sluice.max_retries="-1" is not a number from 0 to 1000`,
		`topics:a:{"sluice.backoff":"soon"}`:           `sluice.backoff="soon" is not a duration from 1ms to 24h0m0s`,
		`topics:a:{"sluice.on_error":"stop"}`:          `sluice.on_error="stop" is not one of partition, key, pass`,
		`topics:a:{"sluice.lease":"1m"}`:               "sluice.lease=1m: a record that is lent on this port has no time limit: leave it out",
		`topics:a:{"sluice.dead_letter":"x"}`:          "what the policy of the group may let clients set: sluice.backoff, sluice.dispatch, sluice.max_retries and sluice.on_error",
		`topics:a:{"enable.auto.offset.store":"some"}`: "neither true nor false",
		`topics:a:{"x":[1]}`:                           "the value must be a string, a number, true or false",
		`topics:a:[1]`:                                 "not a JSON object",
		`topics:a:{}{}`:                                "there is more behind it",
	} {
		if _, err := parse(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestAKeyMaySetWhatBecomesOfFailedRecords(t *testing.T) {
	k := mustParse(t, `topics:a:{"sluice.dispatch":"shared","sluice.max_retries":5,"sluice.backoff":"2s","sluice.on_error":"pass"}`)
	p := k.Failures.Apply(kafka.Policy{})
	if k.Dispatch != kafka.Shared || p.MaxRetries != 5 || p.Backoff != 2*time.Second || p.OnError != kafka.Pass || len(k.Overrides) != 0 {
		t.Errorf("%+v %+v", k, p)
	}
	if later := mustParse(t, `topics:a:{"sluice.dispatch":"keyed"}`); k.Differs(later) == "" {
		t.Error("another dispatch is the same key")
	}
}

func TestKeysThatSayTheSame(t *testing.T) {
	first := mustParse(t, `topics:a:{"sluice.batch":7,"fetch.min.bytes":1}`)
	for text, want := range map[string]string{
		`topics:a`: "",
		`topics:a:{"fetch.min.bytes":"1","sluice.batch":"7"}`:                 "",
		`topics:a:{"sluice.batch":7}`:                                         "fetch.min.bytes",
		`topics:a:{"sluice.batch":8,"fetch.min.bytes":1}`:                     "sluice.batch",
		`topics:a:{"sluice.batch":7,"fetch.min.bytes":1,"sluice.ack":"none"}`: "sluice.ack",
	} {
		if got := first.Differs(mustParse(t, text)); got != want {
			t.Errorf("%s differs in %q, want %q", text, got, want)
		}
	}
	text := []byte("topics:b")
	k, err := Parse(text, []string{"b"}, nil, worker, Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	clear(text) // the next command overwrites it
	if !k.Is(worker, []byte("topics:b")) || k.Is(worker, []byte("topics:c")) || k.Is(kafka.Identity{Group: "app", Name: "other"}, []byte("topics:b")) {
		t.Error("a key is not recognised")
	}
}

func TestReplyFormats(t *testing.T) {
	record := kafka.Delivery{}
	record.Topic, record.Partition, record.Offset, record.Value = "t", 2, 5, []byte("v")
	const place = "$5\r\ntopic\r\n$1\r\nt\r\n$9\r\npartition\r\n"
	for settings, want := range map[string]string{
		"":                            "*8\r\n" + place + ":2\r\n$6\r\noffset\r\n:5\r\n$5\r\nvalue\r\n$1\r\nv\r\n",
		`:{"sluice.reply":"strings"}`: "*8\r\n" + place + "$1\r\n2\r\n$6\r\noffset\r\n$1\r\n5\r\n$5\r\nvalue\r\n$1\r\nv\r\n",
		`:{"sluice.reply":"pair"}`:    "*2\r\n$8\r\ntopics:t\r\n$1\r\nv\r\n",
		`:{"sluice.batch":9,"sluice.reply":"pair"}`: "*1\r\n*2\r\n$8\r\ntopics:t\r\n$1\r\nv\r\n",
	} {
		var out protocol.Encoder
		mustParse(t, "topics:t"+settings).Reply(&out, []kafka.Delivery{record})
		if got := string(out.Bytes()); got != want {
			t.Errorf("%s: %q, want %q", settings, got, want)
		}
	}
	var out protocol.Encoder
	record.Value = nil
	mustParse(t, `topics:t:{"sluice.reply":"full"}`).Reply(&out, []kafka.Delivery{record})
	if got := string(out.Bytes()); !strings.Contains(got, "value\r\n$-1\r\n$3\r\nkey\r\n$-1\r\n") {
		t.Errorf("a tombstone is %q", got)
	}
}

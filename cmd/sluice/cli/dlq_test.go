package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-proxy/sluice/server/management"
)

func TestDeadLettersInATable(t *testing.T) {
	now := time.Now()
	old := now.Add(-90 * time.Second)
	list := management.DeadLetters{Sample: 200, Topics: []management.DeadLetterTopic{
		{Topic: "dlq.orders.billing", Records: 731, Oldest: &old, Sampled: 200, Class: "Time\x1b[2Jout", OfClass: 150},
		{Topic: "dlq.orders.idle"},
	}}
	table := deadLettersTable(&list, now)
	out := &strings.Builder{}
	if err := table.print(out, false); err != nil {
		t.Fatal(err)
	}
	want := `
TOPIC               RECORDS  OLDEST  TOP CLASS OF THE NEWEST 200
dlq.orders.billing  731      1m30s   "Time\x1b[2Jout: 150 of 200"
dlq.orders.idle     0        -       -
`
	if diff := cmp.Diff(want, "\n"+out.String()); diff != "" {
		t.Error(diff)
	}
}

// What clients have said is shown, and never obeyed.
func TestADeadLetterInWords(t *testing.T) {
	at := time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
	bytes := func(text string) []byte { return []byte(text) }
	for _, c := range []struct {
		letter management.DeadLetter
		want   string
	}{
		{management.DeadLetter{
			Peeked: management.Peeked{Record: "dlq.orders.billing:0:42", Key: bytes("c-17"), Value: bytes("\x1b[2J\xff"), Headers: []management.PeekedHeader{
				{Name: "trace\n", Value: nil}, {Name: "a", Value: bytes("")},
			}},
			Source: "orders:5:501", SourceTimestamp: &at, Group: "billing", Reason: "crash_loop", Class: "Timeout", Message: "lock\nwait\x07",
			Backtrace: "a.rb:1\n\x1b[31mb.rb:2\n", Attempts: 4, FirstFailedAt: &at, FailedAt: &at, Client: "worker-1", Trace: "0af7", Replays: 2,
		}, `
record     dlq.orders.billing:0:42
source     orders:5:501, written 2026-11-29T08:00:00Z
group      billing
reason     crash_loop: too many clients died while they held it
class      Timeout
attempts   4, failed first 2026-11-29T08:00:00Z, last 2026-11-29T08:00:00Z
client     worker-1
trace      0af7
replays    2
message
  lock
  "wait\a"
key        c-17
header     "trace\n": null
header     a: ""
value      "\x1b[2J\xff"
backtrace
  a.rb:1
  "\x1b[31mb.rb:2"
`},
		{management.DeadLetter{
			Peeked: management.Peeked{Record: "dlq.orders.billing:0:43"},
			Source: "orders:5:502", Group: "billing", Reason: "new", Message: "lock wait", Attempts: -1, Replays: -1, Pointer: true, SourceSize: 2_000_000,
		}, `
record     dlq.orders.billing:0:43
source     orders:5:502
group      billing
reason     new
pointer    the source has 2000000 bytes, which did not fit: look at orders:5:502
message    lock wait
key        null
value      null
`},
		{management.DeadLetter{Peeked: management.Peeked{Record: "dlq.orders.billing:0:44", Timestamp: -1, Value: bytes("plain")}}, `
this record is no dead letter: it has none of their headers
record     dlq.orders.billing:0:44
key        null
value      plain
`},
	} {
		out := &strings.Builder{}
		printDeadLetter(out, &c.letter)
		if diff := cmp.Diff(c.want, "\n"+out.String()); diff != "" {
			t.Error(diff)
		}
	}
}

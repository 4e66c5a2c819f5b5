package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tests start this program again as a client, as the checker does.
func TestMain(m *testing.M) {
	runAsClient()
	os.Exit(m.Run())
}

func TestAnswersAreRead(t *testing.T) {
	tests := map[string]any{
		"+OK\r\n":                  "OK",
		":-7\r\n":                  int64(-7),
		"-ERR no\r\n":              refusal("ERR no"),
		"$-1\r\n":                  nil,
		"*-1\r\n":                  nil,
		"*0\r\n":                   []any{},
		"$4\r\na\r\nb\r\n":         "a\r\nb",
		"*2\r\n:1\r\n*1\r\n+x\r\n": []any{int64(1), []any{"x"}},
	}
	for bytes, want := range tests {
		d := &door{in: bufio.NewReader(strings.NewReader(bytes))}
		got, err := d.reply()
		if err != nil {
			t.Errorf("%q: %v", bytes, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", bytes, diff)
		}
	}
	for _, bytes := range []string{"", "+", "+OK\n", "?x\r\n", ":x\r\n", "$5\r\nab\r\n", "*2\r\n:1\r\n"} {
		d := &door{in: bufio.NewReader(strings.NewReader(bytes))}
		if got, err := d.reply(); err == nil {
			t.Errorf("%q was read as %v", bytes, got)
		}
	}
}

func TestRecordsAreReadAloneAndInBatches(t *testing.T) {
	one := func(offset int64) any {
		return []any{"topic", "t", "partition", int64(2), "offset", offset, "value", "v"}
	}
	at := func(offset int64) delivery { return delivery{place{"t", 2, offset}, "v"} }
	for _, test := range []struct {
		answer any
		want   []delivery
	}{
		{nil, nil},
		{one(5), []delivery{at(5)}},
		{[]any{one(5), one(6)}, []delivery{at(5), at(6)}},
	} {
		got, err := deliveries(test.answer)
		if err != nil || !cmp.Equal(got, test.want, cmp.AllowUnexported(delivery{})) {
			t.Errorf("%v: %v, %v", test.answer, got, err)
		}
	}
	for _, answer := range []any{int64(1), []any{"topic", "t"}, []any{one(5), "x"}, []any{1, 2, 3, 4, 5, 6, 7, 8}} {
		if got, err := deliveries(answer); err == nil {
			t.Errorf("%v was read as %v", answer, got)
		}
	}
}

func TestOnlyDefiniteErrorsMeanNotWritten(t *testing.T) {
	for answer, want := range map[any]kind{
		int64(1): okay,
		refusal("PROD retry: topic t: timed out in queue"):    refused,
		refusal("PROD rejected: topic t: too large"):          refused,
		refusal("PROD Server shutdown"):                       refused,
		refusal("PROD unknown: topic t: timed out in flight"): trouble,
		refusal("ERR what"):                                   trouble,
		int64(0):                                              trouble,
	} {
		if got, _ := ending(answer); got != want {
			t.Errorf("%v: %s, want %s", answer, got, want)
		}
	}
}

// What a client flushed is recorded although it was killed in the middle of its next line.
func TestTheHistoryOfAKilledClientIsKept(t *testing.T) {
	var text strings.Builder
	j := journal{client: "c", conn: 2, out: &text}
	if err := j.note(got, place{"t", 1, 5}, "v", ""); err != nil {
		t.Fatal(err)
	}
	if err := j.flush(); err != nil {
		t.Fatal(err)
	}
	var r recorder
	r.read("c", strings.NewReader(text.String()+text.String()[:20]))
	events, err := r.sorted()
	if err != nil || len(events) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	want := event{Time: events[0].Time, Client: "c", Conn: 2, Kind: got, At: place{"t", 1, 5}, Value: "v"}
	if diff := cmp.Diff(want, events[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.read("d", strings.NewReader("{}\nnonsense\n"))
	if _, err := r.sorted(); err == nil {
		t.Error("nonsense was taken for a history")
	}
}

// A client process that is killed leaves what it has seen, and one that is told to stop ends.
func TestClientsAreProcesses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerOnes(l)
	var r recorder
	c := crew{recorder: &r}
	t.Cleanup(c.dismiss)
	err = c.hire("p", task{Addr: l.Addr().String(), Command: "RPUSH", Topic: "t", Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, &r, 2*batch)
	if err := c.replace(0); err != nil {
		t.Fatal(err)
	}
	waitFor(t, &r, r.count(okay)+2*batch)
	if err := c.stop(false); err != nil {
		t.Fatal(err)
	}
	events, err := r.sorted()
	if err != nil {
		t.Fatal(err)
	}
	h := history{Events: events}
	for _, e := range events {
		if e.Kind == okay {
			h.Log = append(h.Log, stored{place: place{"t", 0, int64(len(h.Log))}, Key: "k", Value: e.Value})
		}
	}
	v := &verdict{}
	judgeProduced(&h, v)
	if len(v.Broken) > 0 || v.Rows[0].OK < 4*batch {
		t.Errorf("%v, %v", v.Rows, v.Broken)
	}
}

// answerOnes says :1 to every line that begins a command.
func answerOnes(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "*") {
					if _, err := io.WriteString(conn, ":1\r\n"); err != nil {
						return
					}
				}
			}
		}()
	}
}

func waitFor(t *testing.T, r *recorder, answers int) {
	t.Helper()
	for n := 0; n < answers; n = r.count(okay) {
		if err := pause(t.Context(), reconnectPause); err != nil {
			t.Fatal(err)
		}
	}
}

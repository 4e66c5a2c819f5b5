package failures

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

// order is a record that has failed.
func order() Letter {
	return Letter{
		Topic: "dlq.orders.billing",
		Source: record.Record{
			TopicPartition: record.TopicPartition{Topic: "orders", Partition: 5}, Offset: 501, Timestamp: 1_700_000_000_123,
			Key: []byte("c-17"), Value: []byte(`{"sku":9}`),
			Headers: []record.Header{
				text("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
				{Name: "twice", Value: []byte{0, 255}},
				{Name: "twice"},
			},
		},
		Group:    "billing",
		Failure:  Failure{Reason: RetriesExhausted, Class: "Timeout", Message: "lock wait", Backtrace: "a.rb:1\nb.rb:2"},
		Attempts: 4, First: time.UnixMilli(1_700_000_001_000), Now: time.UnixMilli(1_700_000_009_000), Client: "worker-1",
	}
}

// shown are headers as text.
func shown(headers []record.Header) string {
	var s strings.Builder
	for _, h := range headers {
		fmt.Fprintf(&s, "%s: %q\n", h.Name, h.Value)
	}
	return s.String()
}

func TestALetterSaysWhatHappened(t *testing.T) {
	l := order()
	out := l.Record(4, 1<<20)
	want := `traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
twice: "\x00\xff"
twice: ""
__dlq.errors.topic: "orders"
__dlq.errors.partition: "5"
__dlq.errors.offset: "501"
__dlq.errors.group: "billing"
__dlq.errors.delivery.count: "4"
__dlq.errors.message: "lock wait"
source_topic: "orders"
source_partition: "5"
source_offset: "501"
source_consumer_group: "billing"
source_attempts: "4"
source_trace_id: "0af7651916cd43dd8448eb211c80319c"
dlq-reason: "retries_exhausted"
dlq-error-class: "Timeout"
dlq-failed-at: "1700000009000"
dlq-first-failed-at: "1700000001000"
dlq-source-timestamp: "1700000000123"
dlq-client: "worker-1"
dlq-replay-count: "0"
dlq-error-backtrace: "a.rb:1\nb.rb:2"
`
	if diff := cmp.Diff(want, shown(out.Headers)); diff != "" {
		t.Error(diff)
	}
	if tp := (record.TopicPartition{Topic: "dlq.orders.billing", Partition: 1}); out.TopicPartition != tp || out.Timestamp != 1_700_000_009_000 {
		t.Errorf("%s at %d", out.TopicPartition, out.Timestamp)
	}
}

func TestALetterSaysNothingThatIsNotKnown(t *testing.T) {
	l := Letter{Topic: "dlq.orders.billing", Source: record.Record{Timestamp: -1}, Group: "billing", Failure: Failure{Reason: LeaseExpired}, Attempts: 1}
	for _, h := range l.Record(1, 1<<20).Headers {
		for _, unknown := range []string{headerMessage, headerClass, headerBacktrace, headerSourceTimestamp, headerClient, headerSourceTrace, headerPointer} {
			if h.Name == unknown {
				t.Errorf("%s is %q", h.Name, h.Value)
			}
		}
	}
}

// What a letter loses, one thing after the other, with ever less room.
func TestWhatALetterLosesFirst(t *testing.T) {
	l := order()
	l.Failure.Backtrace, l.Failure.Message = strings.Repeat("b", 9<<10), strings.Repeat("m", 5<<10)
	l.Source.Value = bytes.Repeat([]byte("v"), 20<<10)
	l.Source.Headers = append(l.Source.Headers, text("large", strings.Repeat("h", 1<<10)))
	l.Source.Key = bytes.Repeat([]byte("k"), 1<<10)
	for _, c := range []struct {
		limit, backtrace, message, value, headers, key int
		pointer                                        bool
	}{
		{64 << 10, 8 << 10, 4 << 10, 20 << 10, 4, 1 << 10, false},
		{28 << 10, 1150, 4 << 10, 20 << 10, 4, 1 << 10, false},
		{26 << 10, 0, 3227, 20 << 10, 4, 1 << 10, false},
		{23 << 10, 0, 155, 20 << 10, 4, 1 << 10, false},
		{22 << 10, 8 << 10, 4 << 10, 0, 4, 1 << 10, true},
		{3 << 10, 0, 100, 0, 4, 1 << 10, true},
		{2500, 0, 675, 0, 0, 1 << 10, true},
		{1700, 0, 899, 0, 0, 0, true},
		{LeastLimit, 0, 199, 0, 0, 0, true},
	} {
		out := l.Record(1, c.limit)
		got := c
		got.backtrace, got.message = len(value(out, headerBacktrace)), len(value(out, headerMessage))
		got.value, got.headers, got.key = len(out.Value), len(original(out.Headers)), len(out.Key)
		got.pointer = string(value(out, headerPointer)) == "true"
		if got != c {
			t.Errorf("%+v, want %+v", got, c)
		}
	}
}

// value is the last value of a header.
func value(r record.Record, name string) []byte {
	for _, h := range slices.Backward(r.Headers) {
		if h.Name == name {
			return h.Value
		}
	}
	return nil
}

// A letter that is replayed and dies again has the headers of its last death only, wherever it was replayed to.
func TestHeadersDoNotGrowFromRoundToRound(t *testing.T) {
	first := order()
	out := first.Record(1, 1<<20)
	second := order()
	second.Source.Headers, second.Failure.Message, second.Replays = out.Headers, "another", 1
	again := second.Record(1, 1<<20)
	if len(again.Headers) != len(out.Headers) || string(value(again, headerMessage)) != "another" || string(value(again, headerReplays)) != "1" {
		t.Errorf("%s became\n%s", shown(out.Headers), shown(again.Headers))
	}
	third := second
	third.Source.Headers, third.Replays = again.Headers, 0
	if n := string(value(third.Record(1, 1<<20), headerReplays)); n != "1" {
		t.Errorf("the record was replayed once, not %s times", n)
	}
}

// Applications may use the same names, as Karafka does.
func TestHeadersOfApplicationsAreKept(t *testing.T) {
	for _, headers := range [][]record.Header{
		{text("source_topic", "mine")},
		{text("dlq-reason", "mine"), text("other", "")},
	} {
		l := order()
		l.Source.Headers = headers
		out := l.Record(1, 1<<20)
		l.Source.Headers = out.Headers
		again := l.Record(1, 1<<20)
		for _, r := range []record.Record{out, again} {
			if diff := cmp.Diff(headers, r.Headers[:len(headers)]); diff != "" || len(again.Headers) != len(out.Headers) {
				t.Errorf("%s\n%s", diff, shown(r.Headers))
			}
		}
	}
}

// letters draws letters, with all kinds of texts.
func letters() *rapid.Generator[Letter] {
	data := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 2000))
	words := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(rapid.OneOf(rapid.String(), rapid.Just("ü"), rapid.Just("\xff\xfe"), rapid.Just("日本")).Draw(t, "word"), rapid.IntRange(0, 3000).Draw(t, "times"))
	})
	name := rapid.OneOf(rapid.SampledFrom([]string{"traceparent", "source_topic", "dlq-reason", headerTopic, headerReplays}), rapid.String())
	return rapid.Custom(func(t *rapid.T) Letter {
		l := order()
		l.Topic = TopicName(rapid.StringMatching(`[a-z.]{1,249}`).Draw(t, "topic"), "g")
		l.Source.Topic = rapid.StringMatching(`[a-z]{1,249}`).Draw(t, "topic")
		l.Source.Partition, l.Source.Offset = rapid.Int32Min(0).Draw(t, "partition"), rapid.Int64Min(0).Draw(t, "offset")
		l.Source.Key, l.Source.Value = data.Draw(t, "key"), data.Draw(t, "value")
		l.Source.Headers = nil
		for range rapid.IntRange(0, 4).Draw(t, "headers") {
			l.Source.Headers = append(l.Source.Headers, record.Header{Name: name.Draw(t, "name"), Value: data.Draw(t, "value")})
		}
		l.Group, l.Client, l.Attempts = words.Draw(t, "group"), words.Draw(t, "client"), rapid.IntMin(0).Draw(t, "attempts")
		l.Failure = Failure{Reason: CrashLoop, Class: words.Draw(t, "class"), Message: words.Draw(t, "message"), Backtrace: words.Draw(t, "backtrace")}
		return l
	})
}

func TestEveryLetterFitsAndKeepsItsSource(t *testing.T) {
	t.Parallel()
	all := letters()
	rapid.Check(t, func(t *rapid.T) {
		l := all.Draw(t, "letter")
		checkLetter(t, &l, rapid.IntRange(LeastLimit, 40_000).Draw(t, "limit"), rapid.Int32Range(1, 100).Draw(t, "partitions"))
	})
}

// fails is what tests and properties have.
type fails interface {
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func checkLetter(t fails, l *Letter, limit int, partitions int32) {
	before := cmp.Diff(Letter{}, *l)
	out := l.Record(partitions, limit)
	if size := batchSize(&out); size > limit {
		t.Fatalf("a batch of %d bytes is over %d: %s", size, limit, shown(out.Headers))
	}
	if out.Partition != l.Source.Partition%partitions {
		t.Errorf("%s of %s with %d partitions", out.TopicPartition, l.Source.TopicPartition, partitions)
	}
	kept := original(l.Source.Headers)
	seen, own := map[string]bool{}, out.Headers
	if value(out, headerPointer) == nil {
		own = out.Headers[len(kept):]
		if diff := cmp.Diff([]any{l.Source.Key, l.Source.Value, append([]record.Header{}, kept...)}, []any{out.Key, out.Value, out.Headers[:len(kept)]}); diff != "" {
			t.Errorf("the source is changed: %s", diff)
		}
	} else if len(own) > len(kept) && len(original(own)) > 0 {
		own = own[len(kept):]
	}
	for _, h := range own {
		if seen[h.Name] || !ours[h.Name] || !utf8.Valid(h.Value) {
			t.Errorf("%s: %q", h.Name, h.Value)
		}
		seen[h.Name] = true
	}
	if !seen[headerTopic] || !seen[headerPartition] || !seen[headerOffset] || !seen[headerReason] {
		t.Errorf("the source is not named: %s", shown(out.Headers))
	}
	if after := cmp.Diff(Letter{}, *l); after != before {
		t.Errorf("the letter was changed: %s", cmp.Diff(before, after))
	}
}

// batchSize is the size of a batch with the record, as Kafka has it.
func batchSize(r *record.Record) int {
	wire := kmsg.Record{TimestampDelta64: 1 << 40, OffsetDelta: 0, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		wire.Headers = append(wire.Headers, kmsg.Header{Key: h.Name, Value: h.Value})
	}
	wire.Length = 1 << 30 // of the longest form
	batch := kmsg.RecordBatch{Records: wire.AppendTo(nil)}
	return len(batch.AppendTo(nil))
}

func FuzzLetter(f *testing.F) {
	f.Add([]byte("key"), []byte("value"), "name", []byte("x"), "billing", "message", "backtrace", 1000)
	f.Add([]byte{}, []byte(nil), "traceparent", []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), "\xff", "\xe6\x97", "ü", 1200)
	f.Fuzz(func(t *testing.T, key, value []byte, name string, header []byte, group, message, backtrace string, limit int) {
		if limit < LeastLimit {
			return
		}
		l := order()
		l.Source.Key, l.Source.Value = key, value
		l.Source.Headers = []record.Header{{Name: name, Value: header}, {Name: name}}
		l.Group, l.Client, l.Failure.Class, l.Failure.Message, l.Failure.Backtrace = group, group, message, message, backtrace
		checkLetter(t, &l, limit, 3)
	})
}

func TestTextsAreCutBetweenRunes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Repeat(rapid.OneOf(rapid.String(), rapid.Just("日"), rapid.Just("\xff a")).Draw(t, "text"), rapid.IntRange(0, 50).Draw(t, "times"))
		most := rapid.IntRange(0, 100).Draw(t, "most")
		got := bounded(s, most)
		if len(got) > most || !utf8.ValidString(got) || len(s) <= most && utf8.ValidString(s) && got != s {
			t.Fatalf("%q of %q with %d bytes", got, s, most)
		}
		if strings.ToValidUTF8(s, "\uFFFD") != got && len(got) < most-2*utf8.UTFMax {
			t.Errorf("%q of %q has only %d of %d bytes", got, s, len(got), most)
		}
	})
}

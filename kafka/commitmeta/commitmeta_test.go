package commitmeta

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var written = time.UnixMilli(1_796_000_000_123)

const topicID = "pXk7dVmTQ2eZ5bq8nR4sLw"

// ranges draws ranges above an offset.
func ranges(t *rapid.T, above int64) (all []Range) {
	from := above
	for range rapid.IntRange(0, 40).Draw(t, "ranges") {
		from += rapid.Int64Range(1, 300).Draw(t, "gap")
		to := from + rapid.Int64Range(1, 300).Draw(t, "length")
		all, from = append(all, Range{from, to}), to
	}
	return all
}

func failures(t *rapid.T, from int64, most int) (all []Failing) {
	for range rapid.IntRange(0, most).Draw(t, "failing") {
		f := Failing{Offset: from + rapid.Int64Range(0, 500).Draw(t, "step"), Failures: rapid.IntRange(0, 400).Draw(t, "failures"), Deaths: rapid.IntRange(0, 30).Draw(t, "deaths")}
		if ago := rapid.Int64Range(-1, 1<<20).Draw(t, "first"); ago >= 0 {
			f.First = written.Add(-time.Duration(ago) * time.Second)
		}
		if left := rapid.Int64Range(0, 1<<24).Draw(t, "due"); left > 0 {
			f.Due = written.Add(time.Duration(left) * time.Millisecond)
		}
		all, from = append(all, f), f.Offset+1
	}
	return all
}

func TestAMapIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		committed := rapid.Int64Range(0, 1<<50).Draw(t, "committed")
		m := Map{
			Above: ranges(t, committed), Failing: failures(t, committed, 40), At: written,
			Log: rapid.SampledFrom([]string{"", topicID, "another id"}).Draw(t, "id"),
		}
		text, left := Encode(committed, &m, Limit)
		if left != 0 || len(text) > Limit {
			t.Fatalf("%d left out of a text of %d characters", left, len(text))
		}
		if m.Empty() != (text == "") {
			t.Fatalf("%+v is %q", m, text)
		}
		if m.Empty() {
			return
		}
		got, ok := Decode(committed, text)
		if diff := cmp.Diff(m, got); !ok || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", ok, diff)
		}
	})
}

// Whatever the limit, what is written is the beginning of the map: nothing is settled, or fails, that was not.
func TestWhatDoesNotFitIsLeftOutFromTheTop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Map{Above: ranges(t, 1000), Failing: failures(t, 1000, 200), At: written, Log: topicID}
		limit := rapid.IntRange(-10, Limit).Draw(t, "limit")
		text, left := Encode(1000, &m, limit)
		if len(text) > max(0, limit) {
			t.Fatalf("%d characters, limit %d", len(text), limit)
		}
		got, ok := Decode(1000, text)
		if ok != (text != "") {
			t.Fatalf("%q is not read", text)
		}
		if n := len(got.Above) + len(got.Failing); left != len(m.Above)+len(m.Failing)-n {
			t.Fatalf("%d left out, want %d", left, len(m.Above)+len(m.Failing)-n)
		}
		if !slices.Equal(got.Above, m.Above[:len(got.Above)]) {
			t.Fatalf("settled: %v of %v", got.Above, m.Above)
		}
		if diff := cmp.Diff(m.Failing[:len(got.Failing)], got.Failing, cmp.Transformer("none", func(f []Failing) []Failing { return append([]Failing{}, f...) })); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A window that fits is kept whole, whichever of its records are settled, with 64 failing records beside it.
func TestWhatFitsIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{Limit, Limit / 2, Limit / 4}).Draw(t, "limit")
		steps := rapid.SampledFrom([][]int64{{1}, {1, 2}, {2}, {1, 100}, {63, 64, 65}, {100}, {9000}, {1, 70_000, 3_000_000}}).Draw(t, "steps")
		settles := rapid.SampledFrom([]int{1, 2, 3, 10, 1000}).Draw(t, "settles")
		draws := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		offset, head, cost := int64(0), int64(-1), 0
		m := Map{At: written, Log: topicID}
		var open bool
		for i := 0; ; i++ {
			step := steps[draws.IntN(len(steps))]
			offset += step
			if head < 0 {
				head = offset
			}
			if cost += Cost(step); i > 0 && !Fits(Room(limit), offset-head, cost) {
				break
			}
			if i == 0 {
				continue // the record that is not settled
			}
			if i%settles == 0 || settles == 1000 {
				from := offset
				if open && len(m.Above) > 0 {
					from = m.Above[len(m.Above)-1].To
				}
				m.Above = Join(m.Above, Range{from, offset + 1})
				open = true
				continue
			}
			open = false
			if len(m.Failing) < kept(limit) {
				m.Failing = append(m.Failing, Failing{offset, mostCount, mostCount, written.Add(-mostSeconds * time.Second), written.Add(mostMillis * time.Millisecond)})
			}
		}
		text, left := Encode(0, &m, limit)
		if left != 0 || len(text) > limit {
			t.Fatalf("%d of %d ranges and %d failing were left out, %d characters", left, len(m.Above), len(m.Failing), len(text))
		}
		if got, ok := Decode(0, text); !ok || !slices.Equal(got.Above, m.Above) || len(got.Failing) != len(m.Failing) {
			t.Fatalf("read %v %d ranges of %d", ok, len(got.Above), len(m.Above))
		}
	})
}

func TestTheLargestWindowFits(t *testing.T) {
	if !Fits(Room(Limit), MostRecords-1, 1<<30) {
		t.Errorf("room for %d bytes", Room(Limit))
	}
	for limit, want := range map[int]int{0: 0, 8: 0, 50: 0, 512: 202, 4096: 1882} {
		if got := Room(limit); got != want {
			t.Errorf("%d characters: room for %d bytes, want %d", limit, got, want)
		}
	}
}

func TestTheMetadataOfOthersIsNotOurs(t *testing.T) {
	ours, _ := Encode(5, &Map{Above: []Range{{7, 9}}, At: written}, Limit)
	for name, text := range map[string]string{
		"none":                  "",
		"Java's":                "consumer-1-7a",
		"of parallel consumer":  "lwAAAAYAAQ==",
		"of Kafka Streams":      "AgAAAZM3n0cAAAAA",
		"a later version":       strings.Replace(ours, "sluice1", "sluice2", 1),
		"cut":                   ours[:len(ours)-3],
		"longer":                ours + "AAAA",
		"without anything":      "sluice1:",
		"with a line break":     ours[:12] + "\n" + ours[12:],
		"not base64":            "sluice1:????",
		"padded":                "sluice1:AAA=",
		"with flags from later": "sluice1:CAAA",
		"endless":               "sluice1:" + strings.Repeat("A", 1<<20),
	} {
		if m, ok := Decode(5, text); ok || !m.Empty() {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if _, ok := Decode(-1, ours); ok {
		t.Error("nothing was committed, and there is a map")
	}
}

// The clock of the reader may be ahead or behind. A record waits no longer than was left.
func TestClocksMayDiffer(t *testing.T) {
	for name, tt := range map[string]struct{ clock, waits time.Duration }{
		"same": {0, time.Minute}, "a little later": {20 * time.Second, 40 * time.Second},
		"ahead": {time.Hour, -59 * time.Minute}, "behind": {-time.Hour, time.Minute},
	} {
		m := Map{At: written, Failing: []Failing{{Offset: 1, First: written.Add(-time.Second), Due: written.Add(time.Minute)}, {Offset: 2, First: written}}}
		now := written.Add(tt.clock)
		m.Rebase(now)
		if got := m.Failing[0].Due.Sub(now); got != tt.waits {
			t.Errorf("%s: waits for %v", name, got)
		}
		if m.Failing[0].First.After(now) || !m.Failing[1].Due.IsZero() {
			t.Errorf("%s: %+v", name, m.Failing)
		}
	}
}

func TestRangesAreMerged(t *testing.T) {
	a, b := []Range{{1, 3}, {5, 6}, {20, 30}}, []Range{{2, 4}, {6, 8}, {22, 24}, {40, 41}}
	want := []Range{{1, 4}, {5, 8}, {20, 30}, {40, 41}}
	if got := Merge(a, b); !slices.Equal(got, want) {
		t.Error(got)
	}
	if got := Merge(b, a); !slices.Equal(got, want) {
		t.Error(got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range []Map{{Above: []Range{{7, 9}}, At: written}, {Above: []Range{{7, 8}, {9, 10}, {11, 12}, {13, 15}}, Log: topicID, At: written}, {Failing: []Failing{{Offset: 5, Failures: 2, First: written, Due: written.Add(time.Second)}}, At: written}} {
		text, _ := Encode(5, &m, Limit)
		f.Add(int64(5), text)
	}
	f.Fuzz(func(t *testing.T, committed int64, text string) {
		m, ok := Decode(committed, text)
		if !ok {
			return
		}
		for i, r := range m.Above {
			if r.From <= committed || r.To <= r.From || i > 0 && r.From <= m.Above[i-1].To {
				t.Fatalf("ranges %v above %d", m.Above, committed)
			}
		}
		for i, r := range m.Failing {
			if r.Offset < committed || i > 0 && r.Offset <= m.Failing[i-1].Offset {
				t.Fatalf("failing %v", m.Failing)
			}
		}
		m.Rebase(written)
		again, left := Encode(committed, &m, 4*maxText)
		if m.Empty() && again == "" || left > 0 || len(again) > maxText {
			return
		}
		if _, ok := Decode(committed, again); !ok {
			t.Fatalf("%q is read as %+v, which is written as %q", text, m, again)
		}
	})
}

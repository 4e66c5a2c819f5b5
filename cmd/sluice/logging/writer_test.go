package logging

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// With a reader of stderr that stops, no caller waits, memory is bounded, and dropped lines are counted where they are
// missing.
func TestAStuckStderrStopsNobody(t *testing.T) {
	for length, most := range map[int]int{
		1:    (64<<10)/len("<7>level=DEBUG msg=said i=1 text=x\n") + 2*maxPendingLines, // the pipe, what is being written, what waits
		1000: (64<<10 + 2*maxPendingBytes) / 1000,
	} {
		read, stderr, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		l := Open(stderr, true, Config{Level: slog.LevelDebug, Format: "text"})
		const lines = 20_000
		text := strings.Repeat("x", length)
		for i := range lines {
			l.Logger().Debug("said", "i", i, "text", text)
		}
		dropped := l.Dropped()
		got := bufio.NewScanner(read)
		kept, told := 0, int64(0) // there may be several gaps: stderr stands still when the pipe is full
		for kept+int(told) < lines && got.Scan() {
			gap := int64(0)
			if _, err := fmt.Sscanf(got.Text(), `<4>level=WARN msg="log lines dropped: stderr was not read" lines=%d`, &gap); err == nil {
				told += gap
				continue
			}
			if want := fmt.Sprintf(`<7>level=DEBUG msg=said i=%d text=%s`, kept+int(told), text); got.Text() != want {
				t.Fatalf("line %d: %s", kept+int(told), got.Text())
			}
			kept++
		}
		if told == 0 || kept > most || told != dropped || int64(kept)+told != lines {
			t.Errorf("%d lines kept, %d told of; %d were dropped of %d", kept, told, dropped, lines)
		}
		l.Logger().Info("again")
		l.Close()
		stderr.Close()
		if !got.Scan() || got.Text() != "<6>level=INFO msg=again" || got.Scan() {
			t.Errorf("after the flood: %q", got.Text())
		}
	}
}

func TestClosingAStuckLogEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, stderr := io.Pipe() // unlike os.Pipe, one that synctest knows
		w := startLineWriter(stderr, nil)
		w.Add([]byte("x\n"))
		if w.Close(closeTimeout) {
			t.Error("what nobody read is said to be written")
		}
		read.Close() // ends the write
		<-w.done
	})
}

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out sink
		out.fail(true)
		l := Open(&out, true, asText)
		l.Logger().Info("lost")
		synctest.Wait()
		l.Logger().Info("lost, and with it the notice of the first")
		synctest.Wait()
		out.fail(false)
		l.Logger().Info("back")
		l.Close()
		want := []string{"<6>level=INFO msg=back", `<4>level=WARN msg="log lines dropped: stderr was not read" lines=2`}
		if diff := cmp.Diff(want, out.take()); diff != "" || l.Dropped() != 2 {
			t.Errorf("dropped %d, %s", l.Dropped(), diff)
		}
	})
}

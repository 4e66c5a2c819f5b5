//go:build clients

package pages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// What the programs of all pages print.
const (
	tryingAgain = "trying again: "
	givenBack   = "given back: "
)

// atOnce is how many records are produced before a fault, which meets the worker while it handles them.
const atOnce = 20

// story is what happens to one page's worker.
type story struct {
	t        *testing.T
	ctx      context.Context // of the whole story
	language language
	shell    *shell
	options  harness.SluiceOptions
	sluice   *harness.Sluice
	kafka    *kafka
	worker   *running
	command  string // starts a worker
	done     *doneLog
	produced int
}

// begin pastes the programs of a page, starts sluice, and waits until the page's worker has handled what its producer wrote.
func begin(t *testing.T, l language) *story {
	t.Helper()
	s := &story{t: t, ctx: harnesstest.Within(t, 3*patience), language: l, shell: l.open(t)}
	s.options = sluice(t, "--state-dir", t.TempDir())
	s.done = &doneLog{path: filepath.Join(s.shell.dir, "done.log")}
	s.startSluice()
	for _, step := range s.shell.programs(t, s.sluice, &l) {
		if step.interrupted { // all but the last command of the line prepares it
			prepare, worker, _ := cutLast(step.command, " && ")
			s.shell.start(t, prepare, "").ends(t)
			s.command = "exec " + worker
		}
	}
	if s.command == "" {
		t.Fatalf("%s starts no worker", l.document())
	}
	s.shell.start(t, l.produce+` customer-7 "3 apples"`, "").ends(t)
	s.produced++
	s.startWorker()
	s.allHandled()
	return s
}

// cutLast cuts a text at its last separator. Without one all of it is behind the separator.
func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return "", text, false
	}
	return text[:at], text[at+len(separator):], true
}

func (s *story) startSluice() {
	s.t.Helper()
	s.sluice = harnesstest.Sluice(s.t, s.ctx, s.options)
	s.kafka = kafkaOf(s.t, s.sluice)
}

func (s *story) startWorker() {
	s.t.Helper()
	s.worker = s.shell.start(s.t, s.command, "")
}

// burst produces records, and does not wait until they are handled.
func (s *story) burst() {
	s.t.Helper()
	values := make([]string, atOnce)
	for i := range values {
		values[i] = fmt.Sprintf("order %d", s.produced+i)
	}
	if err := s.kafka.admin.Produce(s.ctx, s.language.topic(), 0, nil, values...); err != nil {
		s.t.Fatal(err)
	}
	s.produced += atOnce
}

// unhandled is an error while handlers have not written a line for each record that was produced, but for so many.
func (s *story) unhandled(but int) error {
	lines := s.done.lines(s.t)
	slices.Sort(lines)
	if handled := len(slices.Compact(lines)); handled < s.produced-but {
		return fmt.Errorf("%d of %d records were handled", handled, s.produced)
	}
	return nil
}

func (s *story) allHandled() {
	s.t.Helper()
	s.worker.until(s.t, func() error { return s.unhandled(0) })
}

// endsThoughBusy waits for the worker's end, and has more for it until then.
func (s *story) endsThoughBusy() {
	s.t.Helper()
	s.worker.until(s.t, func() error {
		select {
		case <-s.worker.done:
			return nil
		default:
		}
		if s.unhandled(0) == nil {
			s.burst()
		}
		return errors.New("has not ended after SIGTERM")
	})
	s.worker.ends(s.t)
}

// times is an error while a line was not written so often.
func (s *story) times(line string, want int) error {
	n := 0
	for _, one := range s.done.lines(s.t) {
		if one == line {
			n++
		}
	}
	if n < want {
		return fmt.Errorf("%q was handled %d times, want %d", line, n, want)
	}
	return nil
}

// offset is that of a line, "TOPIC:PARTITION:OFFSET VALUE".
func (s *story) offset(line string) int64 {
	s.t.Helper()
	id, _, _ := strings.Cut(line, " ")
	_, offset, _ := cutLast(id, ":")
	at, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		s.t.Fatalf("handled: %q", line)
	}
	return at
}

// judge asks Kafka: each record was handled, nothing else was, and all of it is committed.
func (s *story) judge() {
	s.t.Helper()
	records := s.kafka.records(s.t, s.language.topic())
	lines := s.done.lines(s.t)
	missing := make(map[string]bool, len(records))
	for _, r := range records {
		missing[line(r)] = true
	}
	again := 0
	seen := map[string]bool{}
	for _, line := range lines {
		if _, produced := missing[line]; !produced {
			s.t.Errorf("handled, and never produced: %q", line)
		}
		if seen[line] {
			again++
		}
		seen[line] = true
		missing[line] = false
	}
	for line, lost := range missing {
		if lost {
			s.t.Errorf("never handled: %q", line)
		}
	}
	s.kafka.committed(s.t, s.language.group(), s.language.topic(), int64(len(records)))
	s.t.Logf("%d records, %d of them handled again", len(records), again)
}

func line(r *kgo.Record) string {
	return fmt.Sprintf("%s:%d:%d %s", r.Topic, r.Partition, r.Offset, r.Value)
}

package resp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// startPatience bounds the start of any server, replyPatience one reply of it.
const (
	startPatience = time.Minute
	replyPatience = 20 * time.Second
)

func TestMain(m *testing.M) { harnesstest.MainWaiting(m) }

// runs numbers the runs, for names that are theirs alone.
var runs atomic.Int64

func suffix() string {
	return fmt.Sprintf("%d-%d", os.Getpid(), runs.Add(1))
}

// eachScript runs a test for every wanted transcript in each protocol it is meant for.
func eachScript(t *testing.T, wanted func(*script) bool, test func(*testing.T, *script, int)) {
	t.Helper()
	files, err := filepath.Glob("*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		s, err := load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if !wanted(s) {
			continue
		}
		for _, proto := range []int{2, 3} {
			other := fmt.Sprintf("resp%d", 5-proto)
			if s.marked(other) {
				continue
			}
			name := fmt.Sprintf("%s/RESP%d", strings.TrimSuffix(file, ".txt"), proto)
			t.Run(name, func(t *testing.T) { test(t, s, proto) })
		}
	}
}

func everyScript(*script) bool { return true }

func TestTranscriptsKfake(t *testing.T) {
	eachScript(t, everyScript, func(t *testing.T, s *script, proto int) {
		t.Parallel()
		fake := harnesstest.Fake(t, harness.FakeOptions{NoAutoCreate: s.marked("no-auto-create")})
		playOnProxy(t, s, "kfake", fake.Brokers(), proto)
	})
}

// playOnProxy starts a proxy of its own for one run of a transcript.
func playOnProxy(t *testing.T, s *script, kind string, brokers []string, proto int) {
	t.Helper()
	ctx := harnesstest.Within(t, startPatience)
	admin := harnesstest.Admin(t, brokers)
	sluice := harnesstest.Sluice(t, ctx, harness.SluiceOptions{Brokers: brokers, Args: flags(t, s)})
	target := &target{
		kind: kind, addr: sluice.Addr, admin: admin, sluice: sluice,
		suffix: suffix(), patience: replyPatience,
	}
	t.Cleanup(func() { _ = target.sluice.Close() })
	if err := play(t.Context(), s, target, proto); err != nil {
		t.Errorf("%v\nthe proxy's log:\n%s", err, target.sluice.Output())
	}
	expectAlive(t, s, target.sluice)
}

// expectAlive fails when the proxy has died of a transcript that did not ask it to end.
func expectAlive(t *testing.T, s *script, sluice *harness.Sluice) {
	t.Helper()
	for _, st := range s.steps {
		if st.verb == "!" && st.text == "drain" {
			return
		}
	}
	select {
	case <-sluice.Done():
		t.Errorf("the proxy ended by itself:\n%s", sluice.Output())
	default:
	}
}

// flags are the proxy's further arguments: those of @serve, and a file made of the @config lines.
func flags(t *testing.T, s *script) []string {
	t.Helper()
	args := s.directives["serve"]
	lines, ok := s.directives["config"]
	if !ok {
		return args
	}
	return append([]string{"--config", harnesstest.Config(t, lines...)}, args...)
}

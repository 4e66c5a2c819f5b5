//go:build redis

package resp

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// The same conversations with the original, where it speaks of the same things.
func TestTranscriptsRedis(t *testing.T) {
	harnesstest.Need(t, "redis-server")
	eachScript(t, (*script).isRedis, func(t *testing.T, s *script, proto int) {
		t.Parallel()
		ctx := harnesstest.Within(t, startPatience)
		redis, err := harness.StartRedis(ctx, s.directives["redis-args"]...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = redis.Close() })
		target := &target{kind: "redis", addr: redis.Addr, suffix: suffix(), patience: replyPatience}
		if err := play(t.Context(), s, target, proto); err != nil {
			t.Error(err)
		}
	})
}

// The runner must notice what is wrong: each of these conversations with a real Redis fails, in
// words that contain the second string.
func TestWrongTranscriptsFail(t *testing.T) {
	harnesstest.Need(t, "redis-server")
	cases := []struct{ script, words string }{
		{"> PING\n+PANG", "got +PONG"},
		{"> PING\n\"PONG\"", "got +PONG"},
		{"> PING\n> PING\n+PONG", "a reply nobody expected"},
		{"a> PING\nb> PING\na< +PONG", `connection "b"`},
		{"> PING\n! close", "want the connection closed, got +PONG"},
		{"> PING\n+PONG\n! close", "still open"},
		{"> GET {nothing}\nnull-array\n?resp2 > PING", "want null-array"},
		{"> MULTI\n+OK\n> EXEC\nnull-array", "got []"},
		{"> CONFIG GET timeout\n{}", "timeout"},
		{"> BLPOP {nothing} 5\n+never", "i/o timeout"},
		{"> NOSUCH\n-ERR unknown command 'NOSUCH', with args beginning with:", "want -ERR"},
		{"! nosuch", "no such action"},
		{"! until :7 LLEN {nothing}", "got :0"},
		{"! topic t 1", "only"},
	}
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	redis, err := harness.StartRedis(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	for _, c := range cases {
		s := written(t, c.script)
		target := &target{kind: "redis", addr: redis.Addr, suffix: suffix(), patience: 300 * time.Millisecond}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := play(ctx, s, target, 2)
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%q: got %v, want %q in it", c.script, err, c.words)
		}
	}
}

func written(t *testing.T, text string) *script {
	t.Helper()
	path := filepath.Join(t.TempDir(), "written.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// isRedis tells whether every command of the script is Redis' own.
func (s *script) isRedis() bool { return s.marked("redis") }

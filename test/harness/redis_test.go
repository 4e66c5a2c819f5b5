//go:build redis

package harness_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

func TestRedisAnswersAndEnds(t *testing.T) {
	harnesstest.Need(t, "redis-server")
	ctx := harnesstest.Within(t, 20*time.Second)
	redis, err := harness.StartRedis(ctx)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", redis.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		t.Fatal(err)
	}
	pong := make([]byte, len("+PONG\r\n"))
	if _, err := io.ReadFull(conn, pong); err != nil || string(pong) != "+PONG\r\n" {
		t.Fatalf("got %q, %v", pong, err)
	}
	if status, err := redis.Stop(ctx); status != 0 || err != nil {
		t.Errorf("stopped with %d, %v", status, err)
	}
	if err := redis.Close(); err != nil {
		t.Errorf("closing what has ended: %v", err)
	}
}

//go:build redis

package harness

import (
	"io"
	"net"
	"testing"
	"time"
)

func TestRedisAnswersAndEnds(t *testing.T) {
	ctx := within(t, 20*time.Second)
	redis, err := StartRedis(ctx)
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

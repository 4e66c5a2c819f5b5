package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// window is how many commands a stream keeps under way.
const window = 64

// stream sends at least n RPUSHX over one connection, as a client does that pipelines without a pause:
// half a window goes out when half a window is answered. redis-benchmark waits for all answers instead,
// so that it and the server take turns.
func stream(addr, topic string, n int) (sent int, err error) {
	c, err := dial(addr)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if err := c.net.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return 0, err
	}
	const half = window / 2
	commands := bytes.Repeat(command(nil, "RPUSHX", "topics:"+topic, value), half)
	want := bytes.Repeat([]byte(":1\r\n"), half)
	got := make([]byte, len(want))
	for answered := 0; answered < n; answered += half {
		for ; sent < n && sent-answered <= half; sent += half {
			if _, err := c.net.Write(commands); err != nil {
				return sent, err
			}
		}
		if _, err := io.ReadFull(c.net, got); err != nil {
			return sent, err
		}
		if !bytes.Equal(got, want) {
			return sent, fmt.Errorf("RPUSHX answered %q", got)
		}
	}
	return sent, nil
}

// streamed measures one stream: records per second that sluice accepts, and that Kafka has.
func (b *bench) streamed(ctx context.Context, s *harness.Sluice, topic string, n int) (accepted, whole float64, err error) {
	begin := time.Now()
	sent, err := stream(s.Addr, topic, n)
	if err != nil {
		return 0, 0, err
	}
	accepted = float64(sent) / time.Since(begin).Seconds()
	err = b.drained(ctx, s)
	return accepted, float64(sent) / time.Since(begin).Seconds(), err
}

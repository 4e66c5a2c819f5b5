package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// streamsTopic has nothing in it.
const streamsTopic = "streams-idle"

// streamsHTTP shows what server-sent events cost: many streams on which nothing comes, and one at full speed.
func (b *bench) streamsHTTP(ctx context.Context) error {
	if err := b.topic(ctx, streamsTopic); err != nil {
		return err
	}
	if err := b.fill(ctx, backlogTopic); err != nil {
		return err
	}
	n := b.idle[0]
	if err := raiseFiles(uint64(2*n + 1_000)); err != nil {
		return err
	}
	t := b.costs()
	err := b.with(ctx, fmt.Sprintf("http: {max_requests: %d}\n", n+100), func(s *harness.Sluice) error {
		before, err := b.settled(ctx, s.PID())
		if err != nil {
			return err
		}
		var all crowd
		defer func() { all.close() }()
		for range n {
			c, err := openStream(s, "idle", streamsTopic)
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		now, err := b.settled(ctx, s.PID())
		if err != nil {
			return err
		}
		more := now.RSS - before.RSS
		t.add(judge("≤ 60 MB more", more <= 60e6), now.cells(fmt.Sprintf("%d idle streams of events", n), mebibytes(more)+" more")...)
		return nil
	})
	if err != nil {
		return err
	}
	return b.with(ctx, "", func(s *harness.Sluice) error { return b.streamLine(s) })
}

// streamLine reads one stream as fast as it comes.
func (b *bench) streamLine(s *harness.Sluice) error {
	c, err := openStream(s, "fast", backlogTopic)
	if err != nil {
		return err
	}
	defer c.close()
	var found series
	for range b.rounds {
		rate := 0.0
		cpu, err := spent(s.PID(), func() (err error) {
			rate, err = c.events(b.round)
			return err
		})
		if err != nil {
			return err
		}
		found.rates = append(found.rates, rate)
		found.cpu = append(found.cpu, float64(cpu.Microseconds())/(rate*b.round.Seconds()))
	}
	t := b.table("One stream of events that settles nothing (`ack=none`), of records of 100 bytes.", "", "records/s", "CPU")
	t.add(open, "one stream", thousands(median(found.rates)), fmt.Sprintf("%.1f", median(found.cpu)))
	return nil
}

// openStream asks for a stream and reads the beginning of the answer.
func openStream(s *harness.Sluice, group, topic string) (*conn, error) {
	c, err := dial(s.HTTP)
	if err != nil {
		return nil, err
	}
	if err := c.net.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c.net, "GET /v1/groups/%s/messages?topics=%s&ack=none HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n", group, topic)
	if err != nil {
		return nil, err
	}
	head, err := c.head()
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		return nil, fmt.Errorf("stream: %s", head)
	}
	return c, nil
}

// events counts what comes in a round, per second.
func (c *conn) events(round time.Duration) (float64, error) {
	begin, total := time.Now(), 0
	if err := c.net.SetDeadline(begin.Add(round + replyTimeout)); err != nil {
		return 0, err
	}
	for time.Since(begin) < round {
		for {
			line, rest, found := bytes.Cut(c.in[c.at:c.to], []byte("\n"))
			if !found {
				break
			}
			if bytes.HasPrefix(line, []byte("data: ")) {
				total++
			}
			c.at = c.to - len(rest)
		}
		if err := c.more(); err != nil {
			return 0, err
		}
	}
	return float64(total) / time.Since(begin).Seconds(), nil
}

package operations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// pace is the pause of a client between two rounds.
const pace = 5 * time.Millisecond

// dumpMillis is how long a producer waits in the end for what it has under way.
const dumpMillis = "20000"

// produce starts the producers of the books.
func (b *books) produce(t *testing.T, ctx context.Context, all *sync.WaitGroup) {
	for i := range 3 {
		b.play(t, ctx, all, "buffered", func(ctx context.Context) error { return b.buffered(ctx, fmt.Sprintf(":key-%d", i)) })
		b.play(t, ctx, all, "delivered", b.delivered)
		b.play(t, ctx, all, "pipeline", b.pipeline)
	}
	b.play(t, ctx, all, "buffered", func(ctx context.Context) error { return b.buffered(ctx, "") })
	b.play(t, ctx, all, "sour", b.producesSour)
	b.play(t, ctx, all, "nowhere", b.producesNowhere)
	b.play(t, ctx, all, "large", b.producesLarge)
}

// rounds calls one until ctx ends.
func rounds(ctx context.Context, one func() error) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := one(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// number is an answer that must be one.
func (c *client) number(args ...string) (int64, error) {
	reply, err := c.do(args...)
	n, is := reply.(int64)
	if err == nil && !is {
		err = fmt.Errorf("%v is answered with %v", args[:2], reply)
	}
	return n, err
}

// settled waits until nothing of the client is under way, and returns how many of its records failed.
func (c *client) settled() (failed int64, err error) { return c.number("DUMP", dumpMillis) }

// buffered produces one record at a time.
func (b *books) buffered(ctx context.Context, key string) error {
	c, err := dial(ctx, b.addr, 1)
	if err != nil {
		return err
	}
	defer c.Close()
	taken := int64(0)
	err = rounds(ctx, func() error {
		n, err := c.number("RPUSHX", "topics:"+letters+key, "v")
		taken += n
		return err
	})
	if err != nil {
		return err
	}
	return b.finish(c, letters, taken)
}

// finish books what a client that only buffers has produced, when it is known how that ended.
func (b *books) finish(c *client, topic string, taken int64) error {
	failed, err := c.settled()
	b.add("taken", topic, taken)
	b.add("ok", topic, taken-failed)
	b.add("failed", topic, failed)
	if err == nil && failed > 0 && topic == letters {
		err = fmt.Errorf("%d records of %s failed", failed, topic)
	}
	return err
}

// delivered produces several records at once and waits until the brokers have them.
func (b *books) delivered(ctx context.Context) error {
	c, err := dial(ctx, b.addr, 2)
	if err != nil {
		return err
	}
	defer c.Close()
	return rounds(ctx, func() error {
		n, err := c.number("RPUSH", "topics:"+letters, "one", "two", "three")
		b.add("taken", letters, n)
		b.add("ok", letters, n)
		return err
	})
}

// pipeline sends many commands of both kinds before it reads the answers.
func (b *books) pipeline(ctx context.Context) error {
	c, err := dial(ctx, b.addr, 3)
	if err != nil {
		return err
	}
	defer c.Close()
	const pairs = 20
	commands := strings.Repeat(encode("RPUSHX", "topics:"+letters+":k", "v")+encode("RPUSH", "topics:"+letters, "v", "w"), pairs)
	buffered := int64(0)
	err = rounds(ctx, func() error {
		if err := c.send(commands); err != nil {
			return err
		}
		for range pairs {
			n, err := c.answer()
			m, err2 := c.answer()
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			buffered += n.(int64)
			b.add("taken", letters, m.(int64))
			b.add("ok", letters, m.(int64))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.finish(c, letters, buffered)
}

// producesSour produces what the brokers refuse: buffered, which DUMP tells, and delivered, which the
// answer tells.
func (b *books) producesSour(ctx context.Context) error {
	c, err := dial(ctx, b.addr, 4)
	if err != nil {
		return err
	}
	defer c.Close()
	taken := int64(0)
	err = rounds(ctx, func() error {
		n, err := c.number("RPUSHX", "topics:"+sour, "v")
		if err != nil {
			return err
		}
		taken += n
		_, err = c.number("RPUSH", "topics:"+sour, "v", "w")
		var said refused
		if !errors.As(err, &said) || !strings.HasPrefix(string(said), "PROD rejected") {
			return fmt.Errorf("refused records are answered with %w", err)
		}
		b.add("taken", sour, 2)
		b.add("failed", sour, 2)
		return nil
	})
	if err != nil {
		return err
	}
	return b.finish(c, sour, taken)
}

// producesNowhere produces to a topic that does not exist: taken until that is known, refused after,
// and taken again when it is asked anew.
func (b *books) producesNowhere(ctx context.Context) error {
	c, err := dial(ctx, b.addr, 5)
	if err != nil {
		return err
	}
	defer c.Close()
	taken := int64(0)
	err = rounds(ctx, func() error {
		n, err := c.number("RPUSHX", "topics:"+nowhere, "v")
		taken += n
		if errors.As(err, new(refused)) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.finish(c, other, taken)
}

// tooLarge is not beyond resp.limits.bulk. With a key it is beyond the producers' message.max.bytes, which that follows.
var tooLarge = strings.Repeat("x", 1_048_588)

// producesLarge produces what no broker would take; of a topic that is known it is not taken at all.
func (b *books) producesLarge(ctx context.Context) error {
	c, err := dial(ctx, b.addr, 6)
	if err != nil {
		return err
	}
	defer c.Close()
	n, err := c.number("RPUSH", "topics:"+letters, "known now")
	if err != nil {
		return err
	}
	b.add("taken", letters, n)
	b.add("ok", letters, n)
	for _, command := range []string{"RPUSHX", "RPUSH", "RPUSHX"} {
		_, err := c.do(command, "topics:"+letters+":key", tooLarge)
		if !errors.As(err, new(refused)) {
			return fmt.Errorf("%s of a record that is too large is answered with %w", command, err)
		}
	}
	failed, err := c.settled()
	if err == nil && failed != 0 {
		err = fmt.Errorf("DUMP says %d about records that were refused at once", failed)
	}
	return err
}

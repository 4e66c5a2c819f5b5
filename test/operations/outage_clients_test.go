//go:build kafka

package operations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// report fails the test when a client's connection was ended: an outage is no reason for that.
func (a *away) report(t *testing.T, who string, err error) {
	if err != nil {
		t.Errorf("%s: %v", who, err)
	}
}

// decline books an answer that is an error; any other error is returned.
func (a *away) decline(err error) error {
	if err != nil && !errors.As(err, new(refused)) {
		return err
	}
	if err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		words := strings.SplitN(err.Error(), ":", 2)
		a.declined[words[0]]++
	}
	return nil
}

func (a *away) believe(values []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, values...)
}

// buffered produces and asks from time to time whether all of it is in Kafka. What a DUMP did not say
// is so is forgotten.
func (a *away) buffered(ctx context.Context, number int) error {
	c, err := dial(ctx, a.sluice.Addr, number)
	if err != nil {
		return err
	}
	defer c.Close()
	batch := func(n int) error {
		var values []string
		for i := range truthBatch {
			value := fmt.Sprintf("buffered-%d-%d-%d-%s", number, n, i, strings.Repeat("x", 100))
			taken, err := c.number("RPUSHX", "topics:"+letters, value)
			if taken == 1 {
				values = append(values, value)
			}
			if err := a.decline(err); err != nil {
				return err
			}
		}
		left, err := c.number("DUMP", "1000")
		if err == nil && left == 0 {
			a.believe(values)
		}
		return a.decline(err)
	}
	return every(ctx, truthPause, batch)
}

// delivered produces and believes the answers.
func (a *away) delivered(ctx context.Context) error {
	c, err := dial(ctx, a.sluice.Addr, truthTellers)
	if err != nil {
		return err
	}
	defer c.Close()
	return every(ctx, truthPause, func(n int) error {
		value := fmt.Sprintf("delivered-%d", n)
		_, err := c.number("RPUSH", "topics:"+letters, value)
		if err == nil {
			a.believe([]string{value})
		}
		return a.decline(err)
	})
}

// consume acknowledges each record that comes.
func (a *away) consume(ctx context.Context) error {
	c, err := dial(ctx, a.sluice.Addr, truthTellers)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.do("CLIENT", "SETNAME", "app:w"); err != nil {
		return err
	}
	return every(ctx, time.Millisecond, func(int) error {
		records, err := c.next("topics:"+letters, "1")
		if err != nil {
			return a.decline(err)
		}
		for _, r := range records {
			if _, err := c.do("RPUSH", "acks", r.String()); err != nil {
				return a.decline(err)
			}
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.consumed += len(records)
		return nil
	})
}

// every calls one with the number of the call, until ctx ends.
func every(ctx context.Context, pause time.Duration, one func(n int) error) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		if err := one(n); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

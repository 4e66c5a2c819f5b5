//go:build kafka

package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// work is what a group of consumers has got done, by the value of the record.
type work struct {
	mu   sync.Mutex
	done map[string]map[string]int // value -> consumer -> times
}

func newWork() *work { return &work{done: map[string]map[string]int{}} }

func (w *work) add(value, consumer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done[value] == nil {
		w.done[value] = map[string]int{}
	}
	w.done[value][consumer]++
}

// by is how many different records a consumer got.
func (w *work) by(consumer string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, consumers := range w.done {
		if consumers[consumer] > 0 {
			n++
		}
	}
	return n
}

// missing is nil when every one of the values was got by somebody.
func (w *work) missing(values []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lost []string
	for _, v := range values {
		if len(w.done[v]) == 0 {
			lost = append(lost, v)
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("%d of %d records have not come, among them %.10q", len(lost), len(values), lost)
	}
	return nil
}

// expectAll waits until every value was got.
func (w *work) expectAll(t *testing.T, ctx context.Context, values []string) {
	t.Helper()
	harnesstest.Until(t, ctx, func(context.Context) error { return w.missing(values) })
}

// consume gets and acks records until ctx ends or the proxy is gone.
func (w *work) consume(ctx context.Context, c *redis.Client, name, key string) error {
	for ctx.Err() == nil {
		r, err := next(ctx, c, key, 1)
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return err
		}
		w.add(r.value, name)
		if err := ack(ctx, c, r); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// numbered are so many different values.
func numbered(prefix string, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return values
}

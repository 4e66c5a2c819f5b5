package operations

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// load is how the requests of all clients ended.
type load struct {
	addr string

	mu       sync.Mutex
	answered []string // values that were taken

	requests, refused, cut, declined int
	longest                          time.Duration
	batches, told, broken            int            // told: in words, or by the end of the connection
	stalled                          time.Duration  // the longest that the machine let us wait
	why                              map[string]int // what went wrong, how often
}

// each connects for every request, as many clients of the web do.
func (l *load) each(ctx context.Context, number int) {
	tick := time.NewTicker(eachPause)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		value := fmt.Sprintf("each-%d-%d", number, n)
		begun := time.Now()
		answer, err := l.request(number, value)
		l.book(value, answer, err, time.Since(begun))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (l *load) request(number int, value string) (any, error) {
	c, err := dial(context.Background(), l.addr, number)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.do("RPUSHX", "topics:"+letters, value)
}

func (l *load) book(value string, answer any, err error, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	l.longest = max(l.longest, took)
	switch {
	case err == nil && answer == int64(1):
		l.answered = append(l.answered, value)
		return
	case err == nil:
		err = fmt.Errorf("answered with %v", answer)
		l.declined++
	case errors.As(err, new(refused)):
		l.declined++
	case errors.Is(err, syscall.ECONNREFUSED):
		l.refused++
		return // says it all
	default:
		l.cut++
	}
	l.why[reason(err)]++
}

// reason is an error without the ports, so that equal ones add up.
func reason(err error) string {
	if op := new(net.OpError); errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// stay pipelines on a connection that lasts until the proxy says that it stops.
func (l *load) stay(ctx context.Context, number int) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	var c *client
	var heard time.Time
	for n := 0; ctx.Err() == nil; n++ {
		if c == nil {
			var err error
			if c, err = dial(ctx, l.addr, number); err != nil {
				c = nil
			}
			heard = time.Now()
		}
		if c != nil && !l.batch(c, fmt.Sprintf("stay-%d-%d", number, n), heard) {
			c.Close()
			c = nil
		}
		heard = time.Now()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if c != nil {
		c.Close()
	}
}

// longSilence is about as long as a client may be silent while sluice stops, and still be heard. On a busy
// machine some of ours are.
const longSilence = 80 * time.Millisecond

// batch sends many records at once and reads all answers; false ends the connection, of which something
// was heard before.
func (l *load) batch(c *client, name string, heard time.Time) bool {
	var commands strings.Builder
	for i := range stayBatch {
		commands.WriteString(encode("RPUSHX", "topics:"+letters, fmt.Sprintf("%s-%d", name, i)))
	}
	err := c.send(commands.String())
	if err != nil && !ended(err) {
		return l.ended(nil, err)
	}
	silent := time.Since(heard) > longSilence
	var taken []string
	var shutdown error
	for i := range stayBatch {
		_, err = c.answer()
		switch {
		case err == nil:
			taken = append(taken, fmt.Sprintf("%s-%d", name, i))
		case strings.Contains(err.Error(), "Server shutdown"):
			shutdown = err
		case i == 0 && silent && ended(err):
			return false
		default:
			return l.ended(taken, err)
		}
	}
	return l.ended(taken, shutdown)
}

// ended books a pipeline: with the values that were taken, and what ended it, if anything did.
func (l *load) ended(taken []string, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches++
	l.answered = append(l.answered, taken...)
	switch {
	case err == nil:
		return true
	case strings.Contains(err.Error(), "Server shutdown"), errors.Is(err, io.EOF): // docs/protocol.md, Draining
		l.told++
	default:
		l.broken++
		l.why[fmt.Sprintf("after %d of %d answers: %s", len(taken), stayBatch, reason(err))]++
	}
	return false
}

// ended tells whether the other side has closed the connection.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// late tells whether the machine let our clients wait for so long that they may have been too late with
// what they had to say to a proxy that stops: it waits for 100 ms.
func (l *load) late(t *testing.T) bool {
	t.Helper()
	if l.stalled < 100*time.Millisecond {
		return false
	}
	t.Logf("the machine stood still for %v: %d requests and %d pipelines ended early, %d were declined, which is not judged",
		l.stalled, l.cut, l.broken, l.declined)
	return true
}

// nothingLost looks in Kafka for everything that was answered.
func (l *load) nothingLost(t *testing.T, r *restarting) {
	t.Helper()
	records, err := r.Admin.Records(r.ctx, letters)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]int, len(records))
	for _, one := range records {
		found[string(one.Value)]++
	}
	lost := slices.DeleteFunc(slices.Clone(l.answered), func(value string) bool { return found[value] > 0 })
	if len(lost) > 0 {
		t.Errorf("%d of %d records were answered and are not in Kafka, among them %s", len(lost), len(l.answered), lost[0])
	}
	if len(l.answered) < 1000 {
		t.Errorf("only %d records were answered: the test saw nothing", len(l.answered))
	}
	t.Logf("%d records answered, %d in Kafka", len(l.answered), len(records))
}

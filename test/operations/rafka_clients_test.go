package operations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// How rafka-rb tries again: so often, with a pause of so long. It does so when it is told of a shutdown; here a client whose
// connection is gone does so too, as its service manager would start it again.
const (
	rubyTries = 15
	rubyPause = time.Second
)

const (
	handling   = 2 * time.Millisecond // of a record, by a consumer
	rubyEvery  = 4 * time.Millisecond // between two records of a producer
	rubyKeys   = 4                    // of a producer
	flushMilli = "5000"               // what Rafka::Producer#flush waits for
)

// isShutdown tells the error that rafka-rb tries again after.
func isShutdown(err error) bool {
	var said refused
	return errors.As(err, &said) && strings.HasSuffix(string(said), "Server shutdown")
}

// rubyConsumer is a process that calls Rafka::Consumer#consume again and again, or #consume_batch.
type rubyConsumer struct {
	book    *groupBook
	id, key string
	number  int
	batch   int // records that it asks for before it acknowledges them

	addr string // where it runs now
	stop context.CancelFunc
	done chan struct{}
}

// start runs the process at Rafka, or at sluice.
func (c *rubyConsumer) start(t *testing.T, ctx context.Context, addr string) {
	ctx, c.stop = context.WithCancel(ctx)
	c.addr, c.done = addr, make(chan struct{})
	go func() {
		defer close(c.done)
		if err := c.run(ctx); err != nil {
			t.Errorf("%s at %s: %v", c.id, addr, err)
		}
	}()
}

// end stops the process in order: it finishes the record in its hands, and says goodbye.
func (c *rubyConsumer) end() {
	c.stop()
	<-c.done
}

// run connects until the process is to end.
func (c *rubyConsumer) run(ctx context.Context) error {
	for failed := 0; ctx.Err() == nil; failed++ {
		served, err := c.live(ctx)
		if served {
			failed = 0
		}
		if err == nil {
			return nil
		}
		if errors.As(err, new(refused)) && !isShutdown(err) || failed == rubyTries {
			return err
		}
		c.book.told(err)
		select {
		case <-time.After(rubyPause):
		case <-ctx.Done():
		}
	}
	return nil
}

// live consumes on one connection. served tells whether it was of any use.
func (c *rubyConsumer) live(ctx context.Context) (served bool, err error) {
	conn, err := dial(context.WithoutCancel(ctx), c.addr, c.number)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if _, err := conn.do("client", "setname", c.book.group+":"+c.id); err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		records, err := c.collect(ctx, conn)
		if err != nil {
			return served, err
		}
		served = true
		if err := c.commit(conn, records); err != nil {
			return served, err
		}
	}
	_, err = conn.do("quit")
	return served, err
}

// collect asks for records until the batch is full, or there is none. It handles each.
func (c *rubyConsumer) collect(ctx context.Context, conn *client) (batch []record, err error) {
	for len(batch) < c.batch && ctx.Err() == nil {
		records, err := conn.next(c.key, "1")
		if err != nil || records == nil {
			return batch, err
		}
		c.book.got(records[0], c)
		<-time.After(handling)
		batch = append(batch, records[0])
	}
	return batch, nil
}

// commit acknowledges the last record of each partition.
func (c *rubyConsumer) commit(conn *client, batch []record) error {
	last := map[partition]record{}
	for _, r := range batch {
		last[r.place] = r
	}
	for _, r := range last {
		switch answer, err := conn.number("rpush", "acks", r.String()); {
		case err == nil && answer == 1:
			c.book.settled(batch, r, ackTaken)
		case err == nil, errors.As(err, new(refused)): // the partition has moved
			c.book.settled(batch, r, ackDeclined)
		default:
			c.book.settled(batch, r, ackUnanswered)
			return err
		}
	}
	return nil
}

// rubyProducer is a process that has one Rafka::Producer.
type rubyProducer struct {
	name, topic string
	number      int
	moves       chan string // addresses to go to
	moved       chan struct{}

	stage atomic.Int64 // how often the server has changed: it is Rafka at first, sluice next, then Rafka

	mu     sync.Mutex
	taken  []string         // values that were answered with :1
	stages map[string]int64 // the stage of each
	twice  map[string]bool  // values whose answer was lost: they were sent again
}

func newRubyProducer(number int, topic string) *rubyProducer {
	return &rubyProducer{
		name: fmt.Sprintf("p%d", number), number: number, topic: topic,
		moves: make(chan string), moved: make(chan struct{}), stages: map[string]int64{}, twice: map[string]bool{},
	}
}

// move has the process flush, stop, and start at another address.
func (p *rubyProducer) move(ctx context.Context, addr string) {
	select {
	case p.moves <- addr:
		select {
		case <-p.moved:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
}

// run produces until ctx ends, at addr first.
func (p *rubyProducer) run(ctx context.Context, addr string) error {
	var conn *client
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	tick := time.NewTicker(rubyEvery)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		if err := p.produce(ctx, &conn, addr, n); err != nil {
			return err
		}
		select {
		case to := <-p.moves:
			if err := p.goodbye(conn); err != nil {
				return err
			}
			conn, addr = nil, to
			p.stage.Add(1)
			p.moved <- struct{}{}
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return p.goodbye(conn)
}

// produce sends one record, with new connections as long as rafka-rb would try.
func (p *rubyProducer) produce(ctx context.Context, conn **client, addr string, n int) (err error) {
	key := fmt.Sprintf("%s-key-%d", p.name, n%rubyKeys)
	value := fmt.Sprintf("%s/%d", key, n)
	for range rubyTries {
		if err = p.send(conn, addr, key, value); err == nil {
			p.mu.Lock()
			p.taken, p.stages[value] = append(p.taken, value), p.stage.Load()
			p.mu.Unlock()
			return nil
		}
		if errors.As(err, new(refused)) && !isShutdown(err) {
			return fmt.Errorf("%s at %s: %w", p.name, addr, err)
		}
		select {
		case <-time.After(rubyPause):
		case <-ctx.Done():
			return nil
		}
	}
	return fmt.Errorf("%s at %s: %w", p.name, addr, err)
}

// send sends one record. A connection that did not answer is not used again, and the record may be there all the same.
func (p *rubyProducer) send(conn **client, addr, key, value string) (err error) {
	if *conn == nil {
		if *conn, err = dial(context.Background(), addr, p.number); err != nil {
			*conn = nil
			return err
		}
	}
	_, err = (*conn).number("rpushx", "topics:"+p.topic+":"+key, value)
	if err == nil {
		return nil
	}
	if !errors.As(err, new(refused)) {
		p.mu.Lock()
		p.twice[value] = true
		p.mu.Unlock()
	}
	(*conn).Close()
	*conn = nil
	return err
}

// goodbye is Rafka::Producer#flush, and the end of the process.
func (p *rubyProducer) goodbye(conn *client) error {
	if conn == nil {
		return nil
	}
	defer conn.Close()
	left, err := conn.number("dump", flushMilli)
	if err == nil && left != 0 {
		err = fmt.Errorf("%d records of %s are not delivered", left, p.name)
	}
	if err == nil {
		_, err = conn.do("quit")
	}
	return err
}

package resp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// catalogueTime bounds a look at the topics.
const catalogueTime = 5 * time.Second

// catalogue answers which topics there are. Asking Kafka can block for long, and blocks a thread: it
// happens in a goroutine of its own, one question at a time for all sessions. Whoever asks while one
// is under way shares the next: the current one may be older than a topic that the client has just
// been told of.
type catalogue struct {
	mu      sync.Mutex // guards what follows
	next    *inquiry   // to be asked, nil when nobody waits for one
	running bool       // the goroutine that asks
}

// inquiry is one question to Kafka and the sessions that wait for its answer.
type inquiry struct {
	answered chan struct{} // closed when names and err are set
	names    []string
	err      error

	waiting map[*session]struct{} // guarded by the catalogue's lock
}

// ask joins the next question; the session is woken when it is answered, and leaves it in any case.
func (c *catalogue) ask(s *session) *inquiry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = &inquiry{answered: make(chan struct{}), waiting: map[*session]struct{}{}}
	}
	c.next.waiting[s] = struct{}{}
	if !c.running {
		c.running = true
		s.server.going.Go(func() { c.run(s.server.kafka) }) // ends when nobody waits; each question with catalogueTime
	}
	return c.next
}

func (c *catalogue) leave(q *inquiry, s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(q.waiting, s)
}

// run asks until nobody waits. An error is the answer to those behind as well: they would only wait
// for the same again.
func (c *catalogue) run(client *kafka.Client) {
	for q := c.take(); q != nil; q = c.take() {
		q.names, q.err = names(client)
		c.spread(q)
		if q.err == nil {
			continue
		}
		behind := c.take()
		if behind == nil {
			return
		}
		behind.err = q.err
		c.spread(behind)
	}
}

// take begins the next question; nil when nobody waits for one, and run ends.
func (c *catalogue) take() *inquiry {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.next
	if q != nil && len(q.waiting) == 0 {
		q = nil
	}
	c.next, c.running = nil, q != nil
	return q
}

func names(client *kafka.Client) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), catalogueTime)
	defer cancel()
	return client.TopicNames(ctx)
}

func (c *catalogue) spread(q *inquiry) {
	close(q.answered)
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range q.waiting {
		s.conn.Wake()
	}
}

// topics lists the topics of the cluster, noticing when the client hangs up meanwhile.
func (s *session) topics() ([]string, error) {
	q := s.server.catalogue.ask(s)
	defer s.server.catalogue.leave(q, s)
	until := time.Now().Add(catalogueTime + time.Second)
	for {
		select {
		case <-q.answered:
			return q.names, unanswered(q.err)
		default:
		}
		if !time.Now().Before(until) {
			return nil, unanswered(context.DeadlineExceeded)
		}
		if err := s.pause(until); err != nil {
			return nil, endError{err}
		}
	}
}

func unanswered(err error) error {
	if err == nil {
		return nil
	}
	return exactError(fmt.Sprintf("TRYAGAIN the topics cannot be read from Kafka: %s", err))
}

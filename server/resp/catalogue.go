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
// happens in a goroutine of its own, one at a time for all sessions.
type catalogue struct {
	mu      sync.Mutex
	current *inquiry // under way
}

// inquiry is one question to Kafka and the sessions that wait for its answer.
type inquiry struct {
	answered chan struct{} // closed when what follows is set
	names    []string
	err      error

	waiting []func() // to be woken; guarded by the catalogue's lock
}

// ask joins the question that is under way, or asks. wake is called when it is answered.
func (c *catalogue) ask(client *kafka.Client, going *sync.WaitGroup, wake func()) *inquiry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		q := &inquiry{answered: make(chan struct{})}
		c.current = q
		going.Go(func() { c.answer(q, client) }) // ends with catalogueTime
	}
	c.current.waiting = append(c.current.waiting, wake)
	return c.current
}

func (c *catalogue) answer(q *inquiry, client *kafka.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), catalogueTime)
	defer cancel()
	q.names, q.err = client.TopicNames(ctx)
	close(q.answered)
	c.mu.Lock()
	c.current = nil
	waiting := q.waiting
	c.mu.Unlock()
	for _, wake := range waiting {
		wake()
	}
}

// topics lists the topics of the cluster, noticing when the client hangs up meanwhile.
func (s *session) topics() ([]string, error) {
	q := s.server.catalogue.ask(s.server.kafka, &s.server.going, s.wire.wake)
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

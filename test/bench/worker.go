package main

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// worker is one consuming connection: BLPOP, RPUSH acks, BLPOP, and so on. The same code serves
// redis-server, whose BLPOP answers [key, value], and sluice, whose records name their place.
type worker struct {
	*conn
	blpop   []byte
	topic   string
	batched bool
	acked   [partitions]int64 // the offset to acknowledge next, by partition; -1 for none
	owed    int               // acknowledgements whose replies are to be read
}

// redisWorker takes from a list.
func redisWorker(addr, list string) (*worker, error) {
	return newWorker(addr, list, list)
}

// sluiceWorker is a member of a group; options are the JSON of its key.
func sluiceWorker(s *harness.Sluice, group, name, topic, options string) (*worker, error) {
	key := "topics:" + topic
	if options != "" {
		key += ":" + options
	}
	w, err := newWorker(s.Addr, key, topic)
	if err != nil {
		return nil, err
	}
	w.batched = options != ""
	if _, err := w.do("CLIENT", "SETNAME", group+":"+name); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func newWorker(addr, key, topic string) (*worker, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	w := &worker{conn: c, blpop: command(nil, "BLPOP", key, "1"), topic: topic}
	for i := range w.acked {
		w.acked[i] = -1
	}
	return w, nil
}

// take asks once and returns how many records came; none when nothing came for a second.
func (w *worker) take() (int, error) {
	w.out = append(w.out, w.blpop...)
	if err := w.send(); err != nil {
		return 0, err
	}
	head, err := w.next()
	if err != nil || head.kind != '*' || head.n < 0 {
		return 0, err
	}
	if !w.batched {
		return 1, w.record(int(head.n))
	}
	for range head.n {
		inner, err := w.next()
		if err != nil {
			return 0, err
		}
		if err := w.record(int(inner.n)); err != nil {
			return 0, err
		}
	}
	return int(head.n), nil
}

// record reads the elements of one and notes its place: the 4th is the partition, the 6th the
// offset. A record of redis-server has two elements, and gets the place 0:0.
func (w *worker) record(elements int) error {
	var partition, offset int64
	for i := range elements {
		e, err := w.next()
		if err != nil {
			return err
		}
		switch {
		case elements < 8:
		case i == 3:
			partition = e.n
		case i == 5:
			offset = e.n
		}
	}
	if partition >= partitions {
		return fmt.Errorf("record of partition %d", partition)
	}
	w.acked[partition] = offset
	return nil
}

// ack acknowledges all that was taken: once per partition, in one write.
func (w *worker) ack() error {
	for p, offset := range w.acked {
		if offset < 0 {
			continue
		}
		var place [300]byte
		id := append(append(place[:0], w.topic...), ':')
		id = append(strconv.AppendInt(id, int64(p), 10), ':')
		w.out = command(w.out, "RPUSH", "acks", string(strconv.AppendInt(id, offset, 10)))
		w.acked[p] = -1
		w.owed++
	}
	if err := w.send(); err != nil {
		return err
	}
	for ; w.owed > 0; w.owed-- {
		if _, err := w.next(); err != nil {
			return err
		}
	}
	return nil
}

// errNothing is a worker that should have had something to do.
var errNothing = errors.New("no record came")

// begin waits for the first record: a new group is not there at once.
func (w *worker) begin(patience time.Duration) error {
	until := time.Now().Add(patience)
	if err := w.net.SetDeadline(until.Add(replyTimeout)); err != nil {
		return err
	}
	for time.Now().Before(until) {
		n, err := w.take()
		if err != nil {
			return err
		}
		if n > 0 {
			return w.ack()
		}
	}
	return errNothing
}

// work consumes until the time is over or the backlog is, and returns its rate per second.
func (w *worker) work(round time.Duration) (float64, error) {
	begin, last, total := time.Now(), time.Duration(0), 0
	if err := w.net.SetDeadline(begin.Add(round + replyTimeout)); err != nil {
		return 0, err
	}
	for last < round {
		n, err := w.take()
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		if err := w.ack(); err != nil {
			return 0, err
		}
		total += n
		last = time.Since(begin)
	}
	if total == 0 {
		return 0, errNothing
	}
	return float64(total) / last.Seconds(), nil
}

// crew is several workers at once.
type crew []*worker

func (c crew) each(do func(*worker) error) error {
	errs := make([]error, len(c))
	var wg sync.WaitGroup
	for i, w := range c {
		wg.Go(func() { errs[i] = do(w) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c crew) begin(patience time.Duration) error {
	return c.each(func(w *worker) error { return w.begin(patience) })
}

// work returns the sum of the rates.
func (c crew) work(round time.Duration) (float64, error) {
	rates := make(chan float64, len(c))
	err := c.each(func(w *worker) error {
		rate, err := w.work(round)
		rates <- rate
		return err
	})
	sum := 0.0
	for range c {
		sum += <-rates
	}
	return sum, err
}

func (c crew) close() {
	for _, w := range c {
		w.close()
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// Result is what the test reads. Every request is in exactly one of Acked, Declined, Refused, Reset and
// TimedOut.
type Result struct {
	Acked    int            // answered: the brokers have it
	Declined map[string]int // answered with an error, by its text
	Refused  int            // the connection was refused
	Reset    int            // the connection ended before the answer
	TimedOut int            // no answer, no end
	Failed   map[string]int // the errors behind Reset and TimedOut
	Released int            // waiting consumers that were answered
	Dropped  int            // waiting consumers whose connection ended before the answer
	WorstMS  int64          // the longest wait for an answer, connecting included
	Lost     []string       // acked, and not in Kafka
	Found    int            // records in Kafka
}

// books hold how every request ended.
type books struct {
	mu    sync.Mutex
	r     Result
	acked map[string]bool
}

func newBooks() *books {
	return &books{acked: map[string]bool{}, r: Result{Declined: map[string]int{}, Failed: map[string]int{}, Lost: []string{}}}
}

func (b *books) result() Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.r
}

// answered books a request that got an answer: a record's id with none, or what the error said.
func (b *books) answered(id, declined string, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.r.WorstMS = max(b.r.WorstMS, took.Milliseconds())
	if declined != "" {
		b.r.Declined[declined]++
		return
	}
	b.r.Acked++
	b.acked[id] = true
}

// failed books a request that got none.
func (b *books) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		b.r.Refused++
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.r.TimedOut++
		b.r.Failed[reason(err)]++
	default:
		b.r.Reset++
		b.r.Failed[reason(err)]++
	}
}

// reason is an error without the ports, so that equal ones add up.
func reason(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF):
		return "end of the connection"
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	default:
		return err.Error()
	}
}

// waited books how a waiting consumer's wait ended.
func (b *books) waited(released bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if released {
		b.r.Released++
	} else {
		b.r.Dropped++
	}
}

// verifyPatience bounds the reading back.
const verifyPatience = time.Minute

// verify reads the whole topic, and notes every record that was acknowledged and is not there.
func (b *books) verify(broker, topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), verifyPatience)
	defer cancel()
	kafka, err := harness.OpenAdmin([]string{broker})
	if err != nil {
		return err
	}
	defer kafka.Close()
	records, err := kafka.Records(ctx, topic)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	b.r.Found = len(records)
	for _, r := range records {
		delete(b.acked, string(r.Value))
	}
	for id := range b.acked {
		b.r.Lost = append(b.r.Lost, id)
	}
	return nil
}

package librdkafka

// #include "sluice.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"time"
	"unsafe"
)

// Close commits the stored offsets, leaves the group and destroys the handle. Events that come meanwhile are passed to
// handle, which must Unassign the partitions of a Revoke. left is called when the group is left, and must close every Queue.
// When ctx ends, Close returns its error and leaves librdkafka's threads behind.
func (c *Consumer) Close(ctx context.Context, handle func(Event), left func()) error {
	if err := c.leave(ctx, handle); err != nil {
		return err
	}
	left()
	return c.destroy(ctx)
}

func (c *Consumer) leave(ctx context.Context, handle func(Event)) error {
	if err := takeError(C.rd_kafka_consumer_close_queue(c.rk, c.queue)); err != nil {
		return err
	}
	c.leaving = true
	C.sluice_fetch_limiter_admit(c.limiter, 1)
	for !c.left() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.serve(handle) {
			c.Wait(10 * time.Millisecond)
		}
	}
	for c.serve(handle) { // the end of the last commit
	}
	return nil
}

// Reopen is Close and NewConsumer in one: the Consumer gets another handle, which has not joined its group yet. After an error
// the Consumer can only be closed.
func (c *Consumer) Reopen(ctx context.Context, properties map[string]string, handle func(Event), left func()) error {
	if err := c.leave(ctx, handle); err != nil {
		return err
	}
	left()
	for !c.asking.TryLock() { // Committed ends after its limit, but takes long without a coordinator
		if err := ctx.Err(); err != nil {
			return err
		}
		c.Wait(10 * time.Millisecond)
	}
	defer c.asking.Unlock()
	rk, queue, limiter := c.rk, c.queue, c.limiter
	if err := c.open(properties); err != nil {
		return err
	}
	c.leaving, c.answered, c.unanswered = false, false, false
	_ = within(ctx, func() { // after ctx it goes on in the background
		C.rd_kafka_queue_destroy(queue)
		C.rd_kafka_destroy_flags(rk, C.RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
		C.free(unsafe.Pointer(limiter))
	})
	return nil
}

// left tells whether a consumer that is closed has left its group.
func (c *Consumer) left() bool { return C.rd_kafka_consumer_closed(c.rk) != 0 }

// serve passes the next event of a leaving consumer to handle, and returns false when there is none. A leaving consumer takes
// no more partitions, but librdkafka waits for an answer to each assignment.
func (c *Consumer) serve(handle func(Event)) bool {
	event := c.Poll()
	if c.unanswered {
		c.unanswered = false
		_ = c.Assign(nil) // gives everything back
	}
	if event.Kind == Nothing {
		return false
	}
	handle(event)
	return true
}

// Abandon destroys a consumer that never subscribed.
func (c *Consumer) Abandon() { c.Discard(context.Background()) }

// Discard is Abandon that waits no longer than ctx. librdkafka's threads then stay until the consumer's questions are
// answered or timed out.
func (c *Consumer) Discard(ctx context.Context) { _ = c.destroy(ctx) }

func (c *Consumer) destroy(ctx context.Context) error {
	C.sluice_fetch_limiter_admit(c.limiter, 1)
	return within(ctx, func() {
		c.asking.Lock()
		defer c.asking.Unlock()
		c.gone = true
		C.rd_kafka_queue_destroy(c.queue)
		C.rd_kafka_destroy_flags(c.rk, C.RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
		C.free(unsafe.Pointer(c.limiter))
		c.signal.close()
	})
}

// mayAnswer tells whether librdkafka is to be told the answer to an assignment or a revocation. While a consumer leaves,
// librdkafka takes the first answer to mean that all partitions are given back, and then ends the consumer. Later answers it
// drops, and their callers wait for ever (rd_kafka_cgrp_handle_assign_op and rd_kafka_cgrp_op_serve in its rdkafka_cgrp.c).
func (c *Consumer) mayAnswer() bool {
	first := !c.answered
	c.answered = c.leaving
	return first
}

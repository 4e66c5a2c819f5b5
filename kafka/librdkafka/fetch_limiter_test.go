package librdkafka

import (
	"testing"
	"time"
)

// waiting is a consumer whose first fetch response with records waits: the heap is over its limit.
func waiting(t *testing.T) (*Consumer, *Queue) {
	t.Helper()
	address := broker(t)
	writeOne(t, address)
	c := consumerOn(t, address)
	event := assignment(t, c)
	q := c.Queue("letters", 0)
	c.LimitHeap(1)
	if err := c.Assign(event.Partitions); err != nil {
		t.Fatal(err)
	}
	c.until(t, "a response that waits", c.HoldsResponses)
	if n := records(t, q); n != 0 {
		t.Fatalf("%d records came", n)
	}
	return c, q
}

// records fetches the records that are there, and returns their number.
func records(t *testing.T, q *Queue) int {
	t.Helper()
	got, _ := q.Fetch(nil, 10, 1<<20, func(f PartitionError) { t.Error(f.Code, f.Text) })
	return len(got)
}

// writeOne writes one record.
func writeOne(t *testing.T, address string) {
	t.Helper()
	p := producerOn(t, address)
	if code, err := p.Produce("letters", nil, []byte("a"), 1); code != None || err != nil {
		t.Fatal(code, err)
	}
	ends(t, p, 1)
	p.Retire()
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
}

func (c *Consumer) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); c.Wait(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not seen: " + what)
		}
		c.Poll()
	}
}

func TestAResponseWaitsWhileTheHeapIsFull(t *testing.T) {
	t.Parallel()
	c, q := waiting(t)
	c.LimitHeap(1 << 50)
	c.until(t, "the record", func() bool { return records(t, q) == 1 })
	leave(t, c, q.Close)
}

func TestRecordsOfAPausedPartitionAreDropped(t *testing.T) {
	t.Parallel()
	c, q := waiting(t)
	partition := []Partition{{Topic: "letters", ID: 0}}
	if err := c.Pause(partition); err != nil {
		t.Fatal(err)
	}
	c.AdmitResponses()
	c.until(t, "no response that waits", func() bool { return !c.HoldsResponses() })
	c.LimitHeap(1 << 50)
	if n := records(t, q); n != 0 {
		t.Fatalf("%d records of a partition that is paused", n)
	}
	if err := c.Resume(partition); err != nil {
		t.Fatal(err)
	}
	c.until(t, "the record", func() bool { return records(t, q) == 1 })
	leave(t, c, q.Close)
}

func TestAConsumerLeavesWhileAResponseWaits(t *testing.T) {
	t.Parallel()
	c, q := waiting(t)
	leave(t, c, q.Close)
}

package librdkafka

import (
	"testing"
	"time"
)

// heldBack is a consumer whose first answer with records waits, as the heap is fuller than it may be.
func heldBack(t *testing.T) (*Consumer, *Queue) {
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
	c.until(t, "an answer that is held back", c.HoldsResponses)
	if n := records(t, q); n != 0 {
		t.Fatalf("%d records came", n)
	}
	return c, q
}

// records takes what is there, and says how much that was.
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

func TestAnAnswerIsHeldBackWhileTheHeapIsFull(t *testing.T) {
	t.Parallel()
	c, q := heldBack(t)
	c.LimitHeap(1 << 50)
	c.until(t, "the record", func() bool { return records(t, q) == 1 })
	leave(t, c, q.Close)
}

func TestWhatIsLetInOfAPausedPartitionIsDropped(t *testing.T) {
	t.Parallel()
	c, q := heldBack(t)
	partition := []Partition{{Topic: "letters", ID: 0}}
	if err := c.Pause(partition); err != nil {
		t.Fatal(err)
	}
	c.AdmitResponses()
	c.until(t, "nothing that waits", func() bool { return !c.HoldsResponses() })
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

func TestAConsumerLeavesWhileAnAnswerIsHeldBack(t *testing.T) {
	t.Parallel()
	c, q := heldBack(t)
	leave(t, c, q.Close)
}

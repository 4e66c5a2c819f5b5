package librdkafka

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func broker(t *testing.T) string {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "letters"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k.ListenAddrs()[0]
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func producerOn(t *testing.T, address string) *Producer {
	t.Helper()
	p, err := NewProducer(map[string]string{
		"bootstrap.servers": address, "linger.ms": "0", "queue.buffering.max.messages": "500",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ends polls until n reports have come.
func ends(t *testing.T, p *Producer, n int) (reports []Report) {
	t.Helper()
	for until := time.Now().Add(patience); len(reports) < n; {
		if time.Now().After(until) {
			t.Fatalf("%d of %d reports", len(reports), n)
		}
		p.Wait(time.Second)
		for p.Poll(func(run []Report) { reports = append(reports, run...) }).Kind != Nothing {
		}
	}
	return reports
}

type pair struct{ key, value []byte }

func TestNullAndEmptyStayApartBothWays(t *testing.T) {
	t.Parallel()
	address := broker(t)
	p := producerOn(t, address)
	pairs := []pair{{nil, nil}, {nil, []byte{}}, {[]byte{}, nil}, {[]byte("k"), []byte("v")}, {[]byte{0}, []byte("a\x00b")}}
	for i, pair := range pairs {
		if code, err := p.Produce("letters", pair.key, pair.value, uint64(i)<<32|7); code != None || err != nil {
			t.Fatal(code, err)
		}
	}
	for i, r := range ends(t, p, len(pairs)) {
		if r.Err != None || r.Status != Persisted || r.Opaque != uint64(i)<<32|7 || r.Offset != int64(i) {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	p.Retire()
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	for i, m := range readAll(t, address, len(pairs)) {
		if fmt.Sprintf("%#v", pair{m.Key, m.Value}) != fmt.Sprintf("%#v", pairs[i]) || m.Offset != int64(i) {
			t.Errorf("record %d: %#v %#v, want %#v", i, m.Key, m.Value, pairs[i])
		}
	}
}

func consumerOn(t *testing.T, address string) *Consumer {
	t.Helper()
	c, err := NewConsumer(map[string]string{
		"bootstrap.servers": address, "group.id": "g", "auto.offset.reset": "earliest",
		"enable.auto.offset.store": "false", "partition.assignment.strategy": "cooperative-sticky",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Subscribe([]string{"letters"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// assignment polls until the group gives partitions.
func assignment(t *testing.T, c *Consumer) Event {
	t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		if event := c.Poll(); event.Kind == Assign {
			return event
		} else if event.Kind == Nothing {
			c.Wait(100 * time.Millisecond)
		}
	}
	t.Fatal("no assignment")
	return Event{}
}

// readAll reads n records of the partition as a consumer with its own queue, and leaves.
func readAll(t *testing.T, address string, n int) (messages []Message) {
	t.Helper()
	c := consumerOn(t, address)
	event := assignment(t, c)
	q := c.Queue("letters", 0)
	if err := c.Assign(event.Partitions); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(patience); len(messages) < n; c.Wait(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d of %d records", len(messages), n)
		}
		messages, _ = q.Fetch(messages, 2, 1<<20, func(f PartitionError) { t.Error(f.Code, f.Text) })
	}
	leave(t, c, q.Close)
	return messages
}

func leave(t *testing.T, c *Consumer, left func()) {
	t.Helper()
	unassign := func(event Event) {
		if event.Kind == Revoke {
			if err := c.Unassign(event.Partitions); err != nil {
				t.Error(err)
			}
		}
	}
	if err := c.Close(soon(t), unassign, left); err != nil {
		t.Fatal(err)
	}
}

// An assignment that nobody has read yet must not keep a consumer from leaving.
func TestCloseWithAnUnreadAssignment(t *testing.T) {
	t.Parallel()
	c := consumerOn(t, broker(t))
	c.Wait(patience) // the signal of the assignment's event, or of an earlier one
	leave(t, c, func() {})
}

func TestCloseWithAnUnansweredAssignment(t *testing.T) {
	t.Parallel()
	c := consumerOn(t, broker(t))
	assignment(t, c)
	leave(t, c, func() {})
}

// librdkafka drops answers while it ends a consumer, and their callers wait for ever. So a consumer that leaves answers once,
// however many revocations come.
func TestAConsumerThatLeavesAnswersOnce(t *testing.T) {
	t.Parallel()
	for range 10 { // an answer comes too late by chance
		t.Run("", func(t *testing.T) {
			t.Parallel()
			c := consumerOn(t, broker(t))
			assignment(t, c)
			leaveAnswering(t, c)
		})
	}
}

// leaveAnswering leaves, and answers a revocation over and over until the consumer has left.
func leaveAnswering(t *testing.T, c *Consumer) {
	t.Helper()
	again := func(event Event) {
		if event.Kind != Revoke {
			return
		}
		done := make(chan error, 1)
		go func() {
			var failed error
			for !c.left() {
				failed = errors.Join(failed, c.Unassign(event.Partitions))
			}
			done <- failed
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("an answer hangs")
		}
	}
	if err := c.Close(soon(t), again, func() {}); err != nil {
		t.Fatal(err)
	}
}

// No revocation follows an assignment without partitions: librdkafka itself would wait for ever.
func TestCloseWithAnUnansweredAssignmentOfNothing(t *testing.T) {
	t.Parallel()
	address := broker(t)
	first := consumerOn(t, address)
	if err := first.Assign(assignment(t, first).Partitions); err != nil {
		t.Fatal(err)
	}
	second := consumerOn(t, address)
	if event := assignment(t, second); len(event.Partitions) != 0 {
		t.Fatalf("the topic has one partition, and %v is the second's", event.Partitions)
	}
	leave(t, second, func() {})
	leave(t, first, func() {})
}

func TestARetiredProducerTakesNothing(t *testing.T) {
	t.Parallel()
	p := producerOn(t, broker(t))
	if _, err := p.Produce("letters", nil, []byte("x"), 1); err != nil {
		t.Fatal(err)
	}
	p.Retire()
	for _, topic := range []string{"letters", "others"} {
		if _, err := p.Produce(topic, nil, []byte("x"), 2); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", topic, err)
		}
	}
	if reports := ends(t, p, 1); reports[0].Opaque != 1 {
		t.Errorf("reports %+v", reports)
	}
	if err := p.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	p.Flush()
	p.Purge()
	p.Wake()
	if n := p.Pending(); n != 0 {
		t.Errorf("%d pending in a closed producer", n)
	}
	if _, err := p.Produce("letters", nil, []byte("x"), 3); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Sessions produce while the handle is being closed: no call may reach a handle that is gone.
func TestProducingDuringClose(t *testing.T) {
	t.Parallel()
	address := broker(t)
	for range 3 {
		p := producerOn(t, address)
		stopped := make(chan int, 4)
		for i := range cap(stopped) {
			go func() {
				n := 0
				for {
					code, err := p.Produce("letters", nil, []byte("x"), uint64(i)<<32)
					if err != nil {
						stopped <- n
						return
					}
					if code == None {
						n++
					}
					runtime.Gosched()
				}
			}()
		}
		ends(t, p, 100)
		p.Retire()
		p.Purge()
		for range cap(stopped) {
			<-stopped
		}
		if err := p.Close(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASignalThatIsRaisedBeforeTheWaitIsNotLost(t *testing.T) {
	t.Parallel()
	s, err := newSignal()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.raise()
	if !s.wait(patience) {
		t.Error("the signal was raised before the wait, and is lost")
	}
	go s.raise()
	if !s.wait(patience) {
		t.Error("the signal was raised during the wait, and is lost")
	}
	if s.wait(time.Millisecond) {
		t.Error("nobody raised the signal")
	}
}

func TestPropertiesThatContradictOneAnother(t *testing.T) {
	var failed *Error
	if _, err := NewProducer(map[string]string{"enable.idempotence": "true", "acks": "0"}); !errors.As(err, &failed) || failed.Text == "" {
		t.Errorf("got %v", err)
	}
	var refused *PropertyError
	if _, err := NewConsumer(map[string]string{"no.such": "x"}); !errors.As(err, &refused) || refused.Name != "no.such" {
		t.Errorf("got %v", err)
	}
}

func TestCodesHaveSentences(t *testing.T) {
	if got, want := QueueFull.String(), "Local: Queue full"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPropertiesAreKnownWithoutAValue(t *testing.T) {
	for name, want := range map[string]bool{
		"linger.ms": true, "topic.blacklist": true, "sasl.password": true, "ssl.ca.pem": true, "auto.offset.reset": true,
		"log_level": true, "debug": true, "enable.auto.commit": true, "": false, "linger": false, "linger.ms\x00": true,
	} {
		if got := KnowsProperty(name); got != want {
			t.Errorf("%q is known: %v", name, got)
		}
	}
}

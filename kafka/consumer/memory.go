package consumer

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka/budget"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// memory is the budget for what all subscriptions hold in librdkafka: see Config.Consume.Memory.
type memory struct {
	tight atomic.Bool // partitions are closed, or soon may be: subscriptions observe often
	ended atomic.Bool // a subscription has ended since memory was returned to the system

	mu     sync.Mutex // guards what follows
	budget budget.Budget
	heap   budget.Heap
}

// Memory tells what fetched records take in librdkafka.
type Memory struct {
	Held    int64 // about how many bytes wait to be lent
	Waiting int   // partitions that wait for their turn to be fetched
}

// Memory reads what fetched records take now.
func (g *Groups) Memory() Memory {
	m := &g.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget.Count()
	return Memory{Held: m.budget.Held(), Waiting: m.budget.Closed()}
}

// FetchLimit is how many bytes of the C heap may be in use before answers to a Reader's fetches wait.
func (g *Groups) FetchLimit() int64 { return g.memory.bound() }

// enter adds a subscription to the budget. wake is called when partitions of it are opened or closed.
func (m *memory) enter(wake func()) (c *budget.Subscription) {
	m.change(nil, func(b *budget.Budget) { c = b.AddSubscription(wake) })
	return c
}

// leave removes a subscription from the budget.
func (m *memory) leave(c *budget.Subscription) {
	m.change(c, func(b *budget.Budget) { b.RemoveSubscription(c) })
}

// change calls a function that may open and close partitions. Then it wakes the subscriptions of these partitions, but
// not self.
func (m *memory) change(self *budget.Subscription, do func(*budget.Budget)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do(&m.budget)
	m.tight.Store(m.budget.Tight())
	m.budget.Notify(self)
}

// open tells whether the budget lets a partition be fetched.
func (m *memory) open(s *budget.Partition) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.Open()
}

// bound is how many bytes of the C heap may be in use before answers to fetches wait. It observes the heap when that is
// due.
func (m *memory) bound() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.heap.Due(now) {
		m.budget.Count()
		m.heap.Observe(now, librdkafka.HeapInUse(), m.budget.Held(), m.budget.Limit())
	}
	return m.heap.Limit()
}

const (
	trimInterval = 15 * time.Second
	// keptForReuse is how many bytes of freed memory malloc may keep: under load they are used again soon.
	keptForReuse = 64 << 20
)

// trim returns memory to the system. malloc keeps nearly all that librdkafka has freed of a backlog for ever. Go keeps
// much of its own memory for minutes. Trimming takes milliseconds, so it waits until a subscription has ended, or much
// is kept.
func (g *Groups) trim(ctx context.Context) {
	tick := time.NewTicker(trimInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ended := g.memory.ended.Swap(false)
		if ended {
			debug.FreeOSMemory()
		}
		if ended || librdkafka.HeapFree() >= keptForReuse {
			librdkafka.TrimHeap()
		}
	}
}

package producer

import (
	"fmt"
	"sync"
)

// publishers finds the publisher of a report by the number in the report's opaque value. A number is used again only
// after its publisher was closed and all its records have been reported.
type publishers struct {
	mu   sync.RWMutex
	byID []*Publisher
	free []uint32
}

// maxPublishers is bound by the bits that the opaque value has for the number.
const maxPublishers = 1<<31 - 1

func (t *publishers) add(p *Publisher) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		p.id, t.free = t.free[n-1], t.free[:n-1]
		t.byID[p.id] = p
		return nil
	}
	if len(t.byID) >= maxPublishers {
		return fmt.Errorf("%d sessions have records in flight", len(t.byID))
	}
	p.id = uint32(len(t.byID))
	t.byID = append(t.byID, p)
	return nil
}

func (t *publishers) find(id uint32) *Publisher {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if int(id) < len(t.byID) {
		return t.byID[id]
	}
	return nil
}

// release frees the number of a closed publisher without records in flight. Otherwise the last report does so.
func (t *publishers) release(p *Publisher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.closed.Load() && p.pending.Load() == 0 && t.byID[p.id] == p {
		t.byID[p.id] = nil
		t.free = append(t.free, p.id)
	}
}

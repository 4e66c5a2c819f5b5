package consumer

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

const (
	trimInterval = 15 * time.Second
	// keptForReuse is what malloc may keep of what was freed: it is used again soon under load.
	keptForReuse = 64 << 20
)

// trim returns memory to the system: malloc keeps nearly all that librdkafka has freed of a backlog, for ever, and Go
// much of its part for minutes. It costs milliseconds, so it comes when a subscription has ended, or much is kept.
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

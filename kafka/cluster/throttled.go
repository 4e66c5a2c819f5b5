package cluster

import (
	"fmt"
	"time"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// throttledFor is how long a delay is told after it has ended.
const throttledFor = 10 * time.Second

// Throttled says in sentences which brokers delay their answers to producers, and to consumers, because a quota of Kafka is
// exceeded. It is empty when none does.
func (c *Cluster) Throttled() []string {
	var all []string
	for _, sentence := range []string{c.ThrottledProducers(), c.throttled(false)} {
		if sentence != "" {
			all = append(all, sentence)
		}
	}
	return all
}

// ThrottledProducers says which broker delays its answers to producers; empty when none does.
func (c *Cluster) ThrottledProducers() string { return c.throttled(true) }

func (c *Cluster) throttled(producers bool) string {
	last, known := librdkafka.LastThrottle(producers)
	if !known || last.Ago > last.By+throttledFor {
		return ""
	}
	who := "consumers"
	if producers {
		who = "producers"
	}
	return fmt.Sprintf("broker %s delays its answers to %s by %s: a quota of Kafka is exceeded", c.brokerName(last.Broker), who, last.By)
}

// brokerName is a broker's number, with its address where that is known.
func (c *Cluster) brokerName(id int32) string {
	for _, h := range c.Heard() {
		if h.ID == id {
			return h.String()
		}
	}
	return fmt.Sprint(id)
}

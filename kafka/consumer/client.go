package consumer

import (
	"log/slog"
	"slices"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// client is a subscription's librdkafka consumer, and the log of what goes wrong with it. The run goroutine owns it; other
// goroutines only wake it, and ask what was committed.
type client struct {
	*librdkafka.Consumer
	log     *slog.Logger
	limiter librdkafka.LogLimiter
}

// logEvent logs a line of librdkafka's.
func (c *client) logEvent(event librdkafka.Event) { c.limiter.Log(c.log, event) }

// logFailure logs a failure that librdkafka tells of.
func (c *client) logFailure(event librdkafka.Event) { c.limiter.LogFailure(c.log, event) }

// logError logs what a call has failed to do. It does nothing without an error.
func (c *client) logError(what string, err error) {
	if err != nil {
		c.logFailure(librdkafka.Event{Text: what + ": " + err.Error()})
	}
}

// admits tells whether a text may be logged again.
func (c *client) admits(text string) bool { return c.limiter.Admits(text) }

// resume has partitions fetched again, behind the last record that was taken of them.
func (c *client) resume(list []librdkafka.Partition) {
	known := slices.DeleteFunc(slices.Clone(list), func(p librdkafka.Partition) bool { return p.Offset < 0 })
	if len(known) > 0 {
		c.logError("partitions not sought", c.Seek(known))
	}
	ready := slices.DeleteFunc(list, func(p librdkafka.Partition) bool {
		return slices.ContainsFunc(known, func(k librdkafka.Partition) bool {
			return k.Topic == p.Topic && k.ID == p.ID && k.Err != librdkafka.None // at the next look
		})
	})
	if len(ready) > 0 {
		c.logError("partitions not resumed", c.Resume(ready))
	}
}

// hold keeps librdkafka's own commits, which are of what is stored, from going beyond offsets that are lower.
func (c *client) hold(offsets []record.PartitionOffset) {
	if len(offsets) == 0 {
		return
	}
	c.logError("offsets not stored", c.Store(librdkafka.PartitionsAt(offsets)))
}

package consumer

import (
	"log/slog"
	"slices"

	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// client is a subscription's librdkafka consumer with a limited log of its failures. The run goroutine owns the client.
// Other goroutines only wake the consumer, and ask for committed offsets.
type client struct {
	*librdkafka.Consumer
	log     *slog.Logger
	limiter librdkafka.LogLimiter
}

// logEvent logs a line that librdkafka has logged.
func (c *client) logEvent(event librdkafka.Event) { c.limiter.Log(c.log, event) }

// logFailure logs a failure that librdkafka reports.
func (c *client) logFailure(event librdkafka.Event) { c.limiter.LogFailure(c.log, event) }

// logError logs that a call failed. It does nothing without an error.
func (c *client) logError(what string, err error) {
	if err != nil {
		c.logFailure(librdkafka.Event{Text: what + ": " + err.Error()})
	}
}

// admits tells whether a text may be logged again, as the log is limited.
func (c *client) admits(text string) bool { return c.limiter.Admits(text) }

// resume has librdkafka fetch partitions again. A partition goes on behind the last record that was taken from it.
func (c *client) resume(list []librdkafka.Partition) {
	known := slices.DeleteFunc(slices.Clone(list), func(p librdkafka.Partition) bool { return p.Offset < 0 })
	if len(known) > 0 {
		c.logError("partitions not sought", c.Seek(known))
	}
	ready := slices.DeleteFunc(list, func(p librdkafka.Partition) bool {
		return slices.ContainsFunc(known, func(k librdkafka.Partition) bool {
			return k.Topic == p.Topic && k.ID == p.ID && k.Err != librdkafka.None // the next round tries again
		})
	})
	if len(ready) > 0 {
		c.logError("partitions not resumed", c.Resume(ready))
	}
}

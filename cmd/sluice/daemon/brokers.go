package daemon

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
)

// brokerLog logs when brokers stop answering and when they answer again, once each.
type brokerLog struct {
	log       *slog.Logger
	addresses []string
	lost      bool           // no broker answers
	logged    []kafka.Broker // the silent brokers in the log
}

// reached takes the result of kafka.Client.Reach.
func (b *brokerLog) reached(err error) {
	switch lost := err != nil; {
	case lost == b.lost, errors.Is(err, kafka.ErrNotAsked):
		return
	case lost:
		b.log.Warn("no broker answers: the doors are open, and records wait until one does", "brokers", b.addresses, "err", err)
	default:
		b.log.Info("a broker answers", "brokers", b.addresses)
	}
	b.lost = err != nil
}

// silent takes the brokers that do not answer while others do.
func (b *brokerLog) silent(brokers []kafka.Broker) {
	for _, broker := range brokers {
		if !slices.Contains(b.logged, broker) {
			b.log.Warn("a broker does not answer: its partitions stand still until others lead them", "broker", broker.ID, "address", broker.Address())
		}
	}
	for _, broker := range b.logged {
		if !slices.Contains(brokers, broker) {
			b.log.Info("a broker answers again, or has left the cluster", "broker", broker.ID, "address", broker.Address())
		}
	}
	b.logged = brokers
}

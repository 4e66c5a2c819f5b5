package main

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/sluice-proxy/sluice/kafka"
)

// reach tells the operator, once each, when no broker answers and when one does again.
type reach struct {
	log     *slog.Logger
	brokers []string
	lost    bool
	silent  []kafka.Broker // as was said last
}

// note takes what kafka.Client.Reach says now.
func (r *reach) note(err error) {
	switch lost := err != nil; {
	case lost == r.lost, errors.Is(err, kafka.ErrNotAsked):
		return
	case lost:
		r.log.Warn("no broker answers: the doors are open, and records wait until one does", "brokers", r.brokers, "err", err)
	default:
		r.log.Info("a broker answers", "brokers", r.brokers)
	}
	r.lost = err != nil
}

// name tells of brokers that do not answer while others do, once each, and of their return.
func (r *reach) name(silent []kafka.Broker) {
	for _, b := range silent {
		if !slices.Contains(r.silent, b) {
			r.log.Warn("a broker does not answer: its partitions stand still until others lead them", "broker", b.ID, "address", b.Address())
		}
	}
	for _, b := range r.silent {
		if !slices.Contains(silent, b) {
			r.log.Info("a broker answers again, or has left the cluster", "broker", b.ID, "address", b.Address())
		}
	}
	r.silent = silent
}

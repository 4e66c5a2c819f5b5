package main

import (
	"errors"
	"log/slog"

	"github.com/sluice-proxy/sluice/kafka"
)

// reach tells the operator, once each, when no broker answers and when one does again.
type reach struct {
	log     *slog.Logger
	brokers []string
	lost    bool
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

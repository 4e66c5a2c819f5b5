package main

import (
	"context"
	"log/slog"
	"time"
)

// reachTimeout bounds one question to the brokers, and so how much longer a stop may take while
// none of them answers.
const reachTimeout = 3 * time.Second

// watchReach tells the operator when no broker answers at start, and when one does at last. It
// returns then, or with the context: what happens later, the Kafka clients report themselves.
// unreachable asks the brokers and returns why that failed.
func watchReach(ctx context.Context, log *slog.Logger, brokers []string, unreachable func(context.Context) error) {
	err := ask(ctx, unreachable)
	if err == nil || ctx.Err() != nil {
		return
	}
	log.Warn("no broker answers: the doors are open, and records wait until one does", "brokers", brokers, "err", err)
	pause := time.NewTicker(time.Second)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if ask(ctx, unreachable) == nil {
			log.Info("a broker answers", "brokers", brokers)
			return
		}
	}
}

func ask(ctx context.Context, unreachable func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	return unreachable(ctx)
}

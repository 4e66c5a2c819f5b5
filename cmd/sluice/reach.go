package main

import (
	"context"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"
)

// reachTimeout bounds one attempt to connect to one broker.
const reachTimeout = 2 * time.Second

// watchReach tells the operator when no broker answers at start, and when one does at last. It
// returns then, or with the context: what happens later, the Kafka clients report themselves.
func watchReach(ctx context.Context, log *slog.Logger, brokers []string) {
	if reachable(ctx, brokers) {
		return
	}
	log.Warn("no broker answers: the doors are open, and records wait until one does", "brokers", brokers)
	pause := time.NewTicker(time.Second)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if reachable(ctx, brokers) {
			log.Info("a broker answers", "brokers", brokers)
			return
		}
	}
}

// reachable reports whether any broker accepts a connection. A connection is enough: whether the
// broker then talks to us is for the Kafka clients to say.
func reachable(ctx context.Context, brokers []string) bool {
	dialer := net.Dialer{Timeout: reachTimeout}
	for _, broker := range brokers {
		conn, err := dialer.DialContext(ctx, "tcp", dialAddress(broker))
		if err == nil {
			conn.Close()
			return true
		}
	}
	return false
}

var hasPort = regexp.MustCompile(`:[0-9]+$`)

// dialAddress is a bootstrap address without librdkafka's PROTOCOL:// and with its default port.
func dialAddress(broker string) string {
	if _, rest, found := strings.Cut(broker, "://"); found {
		broker = rest
	}
	if hasPort.MatchString(broker) && !strings.HasSuffix(broker, "]") {
		return broker
	}
	return broker + ":9092"
}

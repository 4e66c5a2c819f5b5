package server

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// SubscriptionWait is how long a request of HTTP waits for the place of a subscription that is just ending.
const SubscriptionWait = 2 * time.Second

// AwaitSubscription waits until a failed join is worth another attempt. It returns false if err has another cause than a
// place that becomes free soon, or if ctx ends before the bell rings.
func AwaitSubscription(ctx context.Context, err error, bell Bell) bool {
	var full *kafka.CrowdedError
	if !errors.As(err, &full) || !full.Soon {
		return false
	}
	select {
	case <-bell:
		return true
	case <-ctx.Done():
		return false
	}
}

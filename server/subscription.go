package server

import (
	"errors"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// SubscriptionWait is how long a request of HTTP waits for the place of a subscription that is just ending.
const SubscriptionWait = 2 * time.Second

// JoinWithin joins again as long as there is no place for a subscription, but one becomes free soon. wait is called after
// each such refusal. It returns nil when another attempt is worth it; its error ends the attempts.
func JoinWithin(join func() error, wait func(refusal error) error) error {
	for {
		err := join()
		var full *kafka.CrowdedError
		if !errors.As(err, &full) || !full.Soon {
			return err
		}
		if ended := wait(err); ended != nil {
			return ended
		}
	}
}

package rest

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
)

// roomWait is how long a request waits for the place of a subscription that is just ending.
const roomWait = 2 * time.Second

// roomSoon tells that there is no room for a subscription now, but will be when the bell of who asked rings.
func roomSoon(err error) bool {
	var full *kafka.RoomError
	return errors.As(err, &full) && full.Soon
}

// insist tries again what found no room, whenever the bell rings.
func insist(ctx context.Context, bell <-chan struct{}, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, roomWait)
	defer cancel()
	for {
		err := try()
		if !roomSoon(err) || !rings(ctx, bell) {
			return err
		}
	}
}

// rings waits for the bell; false when ctx ended before.
func rings(ctx context.Context, bell <-chan struct{}) bool {
	select {
	case <-bell:
		return true
	case <-ctx.Done():
		return false
	}
}

// address is the peer's, whatever a proxy says of its own clients: it is that which can be counted.
func (x *exchange) address() netip.Addr {
	at, err := netip.ParseAddrPort(x.r.RemoteAddr)
	if err != nil { // of a unix socket, say
		return netip.Addr{}
	}
	return at.Addr()
}

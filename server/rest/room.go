package rest

import (
	"context"
	"net/netip"

	"github.com/sluice-proxy/sluice/server"
)

// joinWithin tries again what found no place for a subscription, whenever the bell rings.
func joinWithin(ctx context.Context, bell server.Bell, join func() error) error {
	ctx, cancel := context.WithTimeout(ctx, server.SubscriptionWait)
	defer cancel()
	for {
		err := join()
		if err == nil || !server.AwaitSubscription(ctx, err, bell) {
			return err
		}
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

package rest

import (
	"net/http"
	"strings"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// probeRoutes are the calls of those who watch over the process, under the names that Strimzi's bridge gives them.
func probeRoutes() []exchange.Route {
	return []exchange.Route{
		{Method: http.MethodGet, Pattern: "/healthy", API: exchange.Documents, Open: true, Run: probe(func(o *exchange.Options) func() []string { return o.Stuck })},
		{Method: http.MethodGet, Pattern: "/ready", API: exchange.Documents, Open: true, Run: probe(func(o *exchange.Options) func() []string { return o.NotReady })},
	}
}

// probe answers 200 when there is no reason not to: some load balancers take no 204 for well.
func probe(asked func(*exchange.Options) func() []string) func(*exchange.Exchange) error {
	return func(x *exchange.Exchange) error {
		if reasons := asked(x.Opts); reasons != nil {
			if now := reasons(); len(now) > 0 {
				return exchange.Unavailable(strings.Join(now, "; "))
			}
		}
		x.Send(http.StatusOK, []byte("{}"))
		return nil
	}
}

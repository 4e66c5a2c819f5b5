package v1

import (
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// acks settles leases, also while sluice stops. A lease that has ended is stale, which is no error: its record was
// lent again, or will be.
func (a *API) acks(x *exchange.Exchange) error {
	group := x.R.PathValue("group")
	if err := exchange.ValidGroup(group); err != nil {
		return err
	}
	if _, err := x.Query(); err != nil {
		return err
	}
	body, err := x.Body()
	if err != nil {
		return err
	}
	list, err := parseAcks(body)
	if err != nil {
		return err
	}
	done := a.Lenders.Settle(group, list)
	out := strconv.AppendInt([]byte(`{"accepted":`), int64(done[lender.Accept]), 10)
	out = strconv.AppendInt(append(out, `,"released":`...), int64(done[lender.Release]), 10)
	out = strconv.AppendInt(append(out, `,"rejected":`...), int64(done[lender.Reject]), 10)
	out = strconv.AppendInt(append(out, `,"renewed":`...), int64(done[lender.Renew]), 10)
	out = strconv.AppendInt(append(out, `,"stale":`...), int64(done.Stale(list)), 10)
	x.Send(http.StatusOK, append(out, '}'))
	return nil
}

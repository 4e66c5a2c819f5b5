package v1

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/sluice-proxy/sluice/kafka"
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
	done, letters, err := a.Lenders.Settle(group, list)
	if errors.Is(err, kafka.ErrNoDeadLetters) {
		return exchange.Errorf(http.StatusConflict, "%v; nothing of this request was done", err)
	}
	if err != nil {
		return err
	}
	pending, err := awaitLetters(x, &letters, &done)
	if err != nil {
		return err
	}
	x.Send(http.StatusOK, tally(&done, pending, done.Stale(list)-pending))
	return nil
}

// awaitLetters waits for dead letters. It counts those that are written, and returns how many are not written in time. Records
// whose partition has moved away meanwhile come again: they are stale.
func awaitLetters(x *exchange.Exchange, letters *lender.Letters, done *lender.Settled) (pending int, err error) {
	if letters.Count == 0 {
		return 0, nil
	}
	ctx, cancel := x.AskContext()
	defer cancel()
	for pending = letters.Count; pending > 0; pending-- {
		select {
		case err := <-letters.Written:
			if err == nil {
				done[lender.Reject]++
			}
		case <-ctx.Done():
			if x.R.Context().Err() != nil {
				return pending, exchange.ErrGone
			}
			return pending, nil
		}
	}
	return 0, nil
}

// tally is the answer. It has pending only if something is.
func tally(done *lender.Settled, pending, stale int) []byte {
	out := strconv.AppendInt([]byte(`{"accepted":`), int64(done[lender.Accept]), 10)
	out = strconv.AppendInt(append(out, `,"released":`...), int64(done[lender.Release]), 10)
	out = strconv.AppendInt(append(out, `,"rejected":`...), int64(done[lender.Reject]), 10)
	if pending > 0 {
		out = strconv.AppendInt(append(out, `,"pending":`...), int64(pending), 10)
	}
	out = strconv.AppendInt(append(out, `,"renewed":`...), int64(done[lender.Renew]), 10)
	out = strconv.AppendInt(append(out, `,"stale":`...), int64(stale), 10)
	return append(out, '}')
}

package v1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// messages lends records of a group: a list of what there is, or a stream of all that come.
func (a *API) messages(x *exchange.Exchange) error {
	if err := checkTake(x); err != nil {
		return err
	}
	d, err := readTakeParams(x)
	if err != nil {
		return err
	}
	if err := d.setLease(x.Kafka); err != nil {
		return err
	}
	l, err := a.lender(x, d)
	if err != nil {
		return err
	}
	defer a.Lenders.Exit(l)
	if d.stream != nil {
		return a.streamRecords(x, d, l)
	}
	return a.take(x, d, l)
}

// checkTake refuses requests that get no records.
func checkTake(x *exchange.Exchange) error {
	if err := x.CheckEffect(); err != nil {
		return err
	}
	switch {
	case x.R.ContentLength != 0: // while net/http reads a body it does not notice that the client hangs up
		return exchange.Invalid("a body has no place here")
	case x.IsDraining():
		return exchange.Stopping()
	}
	return nil
}

// lender finds the lender for a request. If it has to make one it asks for the topics first: a misspelled topic would
// make the client wait for ever.
func (a *API) lender(x *exchange.Exchange, d *takeParams) (*lender.Lender, error) {
	if !a.Lenders.Has(d.key) {
		if err := checkTopics(x, d); err != nil {
			return nil, err
		}
	}
	l, err := a.Lenders.Enter(x.R.Context(), d.key, d.group, d.interest)
	var override *kafka.OverrideError
	var choice *kafka.ChoiceError
	switch {
	case errors.As(err, &choice) && choice.Others:
		return nil, exchange.Errorf(http.StatusConflict, "%v", err)
	case errors.As(err, &override), errors.As(err, &choice):
		return nil, exchange.Invalid("%v", err)
	}
	return l, err
}

// shortestCheck is how long checkTopics asks for a client that does not want to wait at all.
const shortestCheck = time.Second

// checkTopics answers 404 for a topic that does not exist. Brokers that do not answer are no error: they may answer
// later. It takes no longer than the client wants to wait.
func checkTopics(x *exchange.Exchange, d *takeParams) error {
	if d.interest.Overrides["allow.auto.create.topics"] == "true" {
		return nil
	}
	ctx, cancel := x.Within(min(x.Timeout(), max(d.wait, shortestCheck)))
	defer cancel()
	for _, name := range d.interest.Topics {
		_, err := x.Kafka.Topic(ctx, name)
		switch {
		case errors.Is(err, kafka.ErrNoTopic), errors.Is(err, kafka.ErrDenied):
			return err
		case errors.Is(err, context.Canceled):
			return exchange.ErrGone
		case err != nil:
			return nil
		}
	}
	return nil
}

// take answers with a list of records, as soon as there are any.
func (a *API) take(x *exchange.Exchange, d *takeParams, l *lender.Lender) error {
	w := lender.NewWaiter(d.Limits, nil)
	l.Ask(w)
	p, err := waitForRecords(x, l, w, d.wait)
	if err != nil {
		return lenderError(err)
	}
	if p == nil {
		if err := l.Unreachable(); err != nil {
			return err
		}
		x.Send(http.StatusOK, []byte("[]"))
		return nil
	}
	if err := a.list(x, p, d.format); err != nil {
		l.GiveBack(p)
		return exchange.ErrGone
	}
	p.Free()
	return nil
}

// waitForRecords returns what the waiter is lent; nil if nothing comes in time.
func waitForRecords(x *exchange.Exchange, l *lender.Lender, w *lender.Waiter, patience time.Duration) (*lender.Batch, error) {
	select {
	case <-w.Ready:
		return w.Take()
	default:
	}
	if patience == 0 {
		return l.Leave(w)
	}
	back, err := x.Park()
	if err != nil {
		p, _ := l.Leave(w)
		l.GiveBack(p)
		return nil, err
	}
	defer back()
	enough := time.NewTimer(patience)
	defer enough.Stop()
	select {
	case <-w.Ready:
		return w.Take()
	case <-enough.C:
		return l.Leave(w)
	case <-x.Drains:
		p, err := l.Leave(w)
		if p == nil && err == nil {
			err = exchange.Stopping()
		}
		return p, err
	case <-x.R.Context().Done():
		p, _ := l.Leave(w)
		l.GiveBack(p)
		return nil, exchange.ErrGone
	}
}

// lenderError is the answer for an error of a lender.
func lenderError(err error) error {
	var full *kafka.WindowError
	switch {
	case errors.As(err, &full):
		f := exchange.Unavailable(fmt.Sprintf("%d records (%d bytes) are lent and not acknowledged, and no more are until some are: "+
			"consume.window_records and consume.window_bytes bound them", full.Records, full.Bytes))
		f.Status, f.Code = http.StatusTooManyRequests, http.StatusTooManyRequests
		return f
	case errors.Is(err, lender.ErrEnded):
		return exchange.Unavailable(err.Error())
	}
	return err
}

package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
)

// messages answers with records of the group: those that there are, as a list, or all that come, as a stream.
func (a *apiV1) messages(x *exchange) error {
	if err := mayTake(x); err != nil {
		return err
	}
	d, err := readDemand(x)
	if err != nil {
		return err
	}
	l, err := a.lender(x, d)
	if err != nil {
		return err
	}
	defer a.lenders.Exit(l)
	if d.shape != nil {
		return a.pour(x, d, l)
	}
	return a.take(x, d, l)
}

// mayTake refuses what gets no records.
func mayTake(x *exchange) error {
	if err := x.checkEffect(); err != nil {
		return err
	}
	switch {
	case x.r.ContentLength != 0: // who sends one is not heard when it hangs up
		return invalid("a body has no place here")
	case x.isDraining():
		return errStopping()
	}
	return nil
}

// lender finds who lends what is asked for. Topics are looked for when there is none yet: a slip of the pen
// would wait for ever.
func (a *apiV1) lender(x *exchange, d *demand) (*lender.Lender, error) {
	if !a.lenders.Has(d.key) {
		if err := exist(x, d); err != nil {
			return nil, err
		}
	}
	l, err := a.lenders.Enter(x.r.Context(), d.key, d.group, d.interest)
	var override *kafka.OverrideError
	if errors.As(err, &override) {
		return nil, invalid("%v", err)
	}
	return l, err
}

// exist answers 404 for a topic that there is not. Brokers that do not answer now may do so later.
func exist(x *exchange, d *demand) error {
	if d.interest.Overrides["allow.auto.create.topics"] == "true" {
		return nil
	}
	ctx, cancel := x.asking()
	defer cancel()
	for _, name := range d.interest.Topics {
		_, err := x.kafka.Topic(ctx, name)
		switch {
		case errors.Is(err, kafka.ErrNoTopic), errors.Is(err, kafka.ErrDenied):
			return err
		case errors.Is(err, context.Canceled):
			return errGone
		case err != nil:
			return nil
		}
	}
	return nil
}

// take answers with a list of records, as soon as there are any.
func (a *apiV1) take(x *exchange, d *demand, l *lender.Lender) error {
	w := lender.NewWaiter(d.Limits, nil)
	l.Ask(w)
	p, err := await(x, l, w, d.wait)
	if err != nil {
		return lent(err)
	}
	if p == nil {
		x.send(http.StatusOK, []byte("[]"))
		return nil
	}
	if err := a.list(x, p, d.format); err != nil {
		l.GiveBack(p)
		return errGone
	}
	p.Free()
	return nil
}

// await returns what the waiter is given, nil when nothing comes in time.
func await(x *exchange, l *lender.Lender, w *lender.Waiter, patience time.Duration) (*lender.Batch, error) {
	select {
	case <-w.Ready:
		return w.Take()
	default:
	}
	if patience == 0 {
		return l.Leave(w)
	}
	back, err := x.park()
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
	case <-x.drains:
		p, err := l.Leave(w)
		if p == nil && err == nil {
			err = errStopping()
		}
		return p, err
	case <-x.r.Context().Done():
		p, _ := l.Leave(w)
		l.GiveBack(p)
		return nil, errGone
	}
}

// lent is the answer for an error of a lender.
func lent(err error) error {
	var full *kafka.WindowError
	switch {
	case errors.As(err, &full):
		f := unavailable(fmt.Sprintf("%d records (%d bytes) are lent and not acknowledged, and no more are until some are: "+
			"consume.window_records and consume.window_bytes bound them", full.Records, full.Bytes))
		f.status, f.code = http.StatusTooManyRequests, http.StatusTooManyRequests
		return f
	case errors.Is(err, lender.ErrEnded):
		return unavailable(err.Error())
	}
	return err
}

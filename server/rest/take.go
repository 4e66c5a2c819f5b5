package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/lender"
)

// takeRoutes are our own way to consume: take records, by request or as a stream, and settle them.
var takeRoutes = []route{
	{http.MethodGet, "/v1/groups/{group}/messages", messages},
	{http.MethodPost, "/v1/groups/{group}/acks", acks},
}

// messages answers with records of the group: those that there are, as a list, or all that come, as a stream.
func messages(x *exchange) error {
	if err := x.mayTake(); err != nil {
		return err
	}
	d, err := x.demand()
	if err != nil {
		return err
	}
	l, err := x.lender(d)
	if err != nil {
		return err
	}
	defer x.lenders.Exit(l)
	if d.shape != nil {
		return x.pour(d, l)
	}
	return x.take(d, l)
}

// mayTake refuses what gets no records.
func (x *exchange) mayTake() error {
	if err := x.mayChange(); err != nil {
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

// mayChange refuses a GET that changes something where nobody means it to.
func (x *exchange) mayChange() error {
	switch {
	case x.r.Method == http.MethodHead: // it would take records and show none
		x.w.Header().Set("Allow", http.MethodGet)
		return plain(http.StatusMethodNotAllowed, "HTTP 405 Method Not Allowed: use GET")
	case !server.SameSite(x.r.Header):
		return plain(http.StatusForbidden, "not served to other origins")
	}
	return nil
}

// lender finds who lends what is asked for. Topics are looked for when there is none yet: a slip of the pen
// would wait for ever.
func (x *exchange) lender(d *demand) (*lender.Lender, error) {
	if !x.lenders.Has(d.key) {
		if err := x.exist(d); err != nil {
			return nil, err
		}
	}
	l, err := x.lenders.Enter(x.r.Context(), d.key, d.group, d.interest)
	var override *kafka.OverrideError
	if errors.As(err, &override) {
		return nil, invalid("%v", err)
	}
	return l, err
}

// exist answers 404 for a topic that there is not. Brokers that do not answer now may do so later.
func (x *exchange) exist(d *demand) error {
	if d.interest.Overrides["allow.auto.create.topics"] == "true" {
		return nil
	}
	ctx, cancel := x.within(metadataTimeout)
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
func (x *exchange) take(d *demand, l *lender.Lender) error {
	w := lender.NewWaiter(d.Limits, nil)
	l.Ask(w)
	p, err := x.await(l, w, d.wait)
	if err != nil {
		return lent(err)
	}
	if p == nil {
		x.send(http.StatusOK, []byte("[]"))
		return nil
	}
	if err := x.list(p, d.format); err != nil {
		l.GiveBack(p)
		return errGone
	}
	p.Free()
	return nil
}

// await returns what the waiter is given, nil when nothing comes in time.
func (x *exchange) await(l *lender.Lender, w *lender.Waiter, patience time.Duration) (*lender.Batch, error) {
	select {
	case <-w.Ready:
		return w.Take()
	default:
	}
	if patience == 0 {
		return l.Leave(w)
	}
	back, err := x.aside()
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

// aside takes a request that waits for records out of those that are being answered: many may wait, and keep
// nobody from producing. back is called when it goes on.
func (x *exchange) aside() (back func(), err error) {
	if n := x.waiting.Add(1); int(n) > x.opts.MaxWaiting {
		x.waiting.Add(-1)
		return nil, unavailable("too many requests wait for records")
	}
	x.asking.Add(-1)
	x.patient()
	return func() {
		x.waiting.Add(-1)
		x.asking.Add(1)
	}, nil
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

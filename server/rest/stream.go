package rest

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/server/lender"
)

// feed is one stream of records. It is one goroutine, and holds no buffer while nothing comes.
type feed struct {
	*exchange

	api    *apiV1
	demand *demand
	lender *lender.Lender
	shape  *shape
	quota  *lender.Quota
	waiter *lender.Waiter
	asking bool        // the waiter was put into the queue, and has no answer yet
	pulse  *time.Timer // until something has to be said
}

// What a stream is lent at once; the next come when that is written.
const (
	streamBatch = 100
	streamBytes = 256 << 10
)

// longestSilence of a stream is less than what proxies wait for.
const longestSilence = 15 * time.Second

// pour answers with all records that come, until the client has enough or sluice stops. What it has not
// settled when it goes is given back at once. When sluice stops it may still settle.
func (a *apiV1) pour(x *exchange, d *demand, l *lender.Lender) error {
	back, err := x.park()
	if err != nil {
		return err
	}
	defer back()
	f := &feed{exchange: x, api: a, demand: d, lender: l, shape: d.shape, pulse: time.NewTimer(a.heartbeat)}
	defer f.pulse.Stop()
	f.quota = lender.NewQuota(d.most)
	f.waiter = lender.NewWaiter(d.Limits, f.quota)
	x.w.Header().Set("X-Accel-Buffering", "no") // nginx would collect the records
	x.begin(http.StatusOK, d.shape.kind)
	err = f.say(d.shape.hello)
	if err == nil {
		err = f.run()
	}
	p, _ := f.lender.Leave(f.waiter)
	f.lender.GiveBack(p)
	if err != nil {
		f.lender.GiveBackAll(f.quota)
	}
	return err
}

// run writes records as they come. Its error says that the client has gone.
func (f *feed) run() error {
	for {
		if !f.asking && f.lender.Allowance(f.quota) > 0 {
			f.lender.Ask(f.waiter)
			f.asking = true
		}
		var err error
		select {
		case <-f.waiter.Ready:
			f.asking = false
			p, cause := f.waiter.Take()
			if cause != nil {
				return f.say(f.shape.failure(asFailure(lent(cause))))
			}
			err = f.hand(p)
		case <-f.quota.Freed: // there may be room for more
		case <-f.pulse.C:
			err = f.say(f.shape.pulse)
		case <-f.drains:
			return f.say(f.shape.bye)
		case <-f.r.Context().Done():
			err = errGone
		}
		if err != nil {
			return err
		}
	}
}

// hand hands a parcel's records over, or gives them back.
func (f *feed) hand(p *lender.Batch) error {
	if err := f.write(p); err != nil {
		f.lender.GiveBack(p)
		return err
	}
	p.Free()
	return nil
}

func (f *feed) write(p *lender.Batch) error {
	buffer := newOut()
	out := (*buffer)[:0]
	defer func() { freeOut(buffer, out) }()
	for i := range p.Records {
		out = f.shape.record(out, p, i, f.demand.format)
		if len(out) < spillBytes && i+1 < len(p.Records) {
			continue
		}
		if err := f.send(out); err != nil {
			return err
		}
		out = out[:0]
	}
	return nil
}

func (f *feed) say(text string) error { return f.send([]byte(text)) }

// send writes to the client, who has so much time to take it: nobody else waits for it.
func (f *feed) send(text []byte) error {
	f.pulse.Reset(f.api.heartbeat)
	control := http.NewResponseController(f.w)
	_ = control.SetWriteDeadline(time.Now().Add(f.api.patience))
	if len(text) > 0 {
		if _, err := f.w.Write(text); err != nil {
			return errGone
		}
	}
	if control.Flush() != nil {
		return errGone
	}
	return nil
}

package v1

import (
	"net/http"
	"time"

	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// takeStream is one stream of records. It has one goroutine, and no buffer while nothing comes.
type takeStream struct {
	*exchange.Exchange

	params    *takeParams
	lender    *lender.Lender
	format    *streamFormat
	quota     *lender.Quota
	waiter    *lender.Waiter
	asking    bool        // the waiter is queued
	heartbeat *time.Timer // fires when the stream was silent for too long
}

// What a stream is lent at once; the next come when that is written.
const (
	streamBatch = 100
	streamBytes = 256 << 10
)

// streamRecords answers with all records that come, until the client goes or sluice stops. If the client goes, what it
// has not settled goes to others at once. If sluice stops, the client may still settle.
func (a *API) streamRecords(x *exchange.Exchange, d *takeParams, l *lender.Lender) error {
	back, err := x.Park()
	if err != nil {
		return err
	}
	defer back()
	f := &takeStream{Exchange: x, params: d, lender: l, format: d.stream, heartbeat: time.NewTimer(x.Opts.Heartbeat)}
	defer f.heartbeat.Stop()
	f.quota = lender.NewQuota(d.quota)
	f.waiter = lender.NewWaiter(d.Limits, f.quota)
	x.W.Header().Set("X-Accel-Buffering", "no") // nginx would buffer the records
	x.Begin(http.StatusOK, d.stream.kind)
	err = f.sendText(d.stream.begin)
	if err == nil {
		err = f.run()
	}
	p, _ := f.lender.Leave(f.waiter)
	f.lender.GiveBack(p)
	if err != nil {
		f.lender.Died(f.quota)
	}
	return err
}

// run writes records as they come. Its error says that the client has gone.
func (f *takeStream) run() error {
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
				return f.sendText(f.format.failure(exchange.AsFailure(lenderError(cause))))
			}
			err = f.deliver(p)
		case <-f.quota.Freed: // there may be room for more
		case <-f.heartbeat.C:
			err = f.sendText(f.format.heartbeat)
		case <-f.Drains:
			return f.sendText(f.format.end)
		case <-f.R.Context().Done():
			err = exchange.ErrGone
		}
		if err != nil {
			return err
		}
	}
}

// deliver writes the records of a batch. If it cannot, it gives them back.
func (f *takeStream) deliver(p *lender.Batch) error {
	if err := f.write(p); err != nil {
		f.lender.GiveBack(p)
		return err
	}
	p.Free()
	return nil
}

// write writes the records piece by piece.
func (f *takeStream) write(p *lender.Batch) error {
	buffer := exchange.NewBuffer()
	out := (*buffer)[:0]
	defer func() { exchange.FreeBuffer(buffer, out) }()
	for i := range p.Records {
		out = f.format.record(out, p, i, f.params.format)
		if len(out) < exchange.PieceBytes && i+1 < len(p.Records) {
			continue
		}
		if err := f.send(out); err != nil {
			return err
		}
		out = out[:0]
	}
	return nil
}

// sendText writes what is not a record.
func (f *takeStream) sendText(text string) error { return f.send([]byte(text)) }

// send writes to the client. The write may take as long as the client reads: only this stream waits for it.
func (f *takeStream) send(text []byte) error {
	f.heartbeat.Reset(f.Opts.Heartbeat)
	if f.WriteBody(text) != nil || f.Flush() != nil {
		return exchange.ErrGone
	}
	return nil
}

package v2

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// The bounds of one reply: bytes of keys and values, and what they are when the client says nothing. They
// are the subscription's to hold anyway.
const (
	defaultReply = 1 << 20
	mostReply    = 16 << 20
)

// recordsParams is what a client asks for.
type recordsParams struct {
	kind  string // the reply's Content-Type
	until time.Time
	bytes int
}

// instanceRecords answers with the next records, as soon as there are some.
func instanceRecords(x *exchange.Exchange, in *instance) error {
	if err := x.CheckEffect(); err != nil {
		return err
	}
	if x.IsDraining() {
		return exchange.Stopping()
	}
	p, err := in.readParams(x)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(x.R.Context(), p.until)
	defer cancel()
	back, err := x.Park()
	if err != nil {
		return err
	}
	back = sync.OnceFunc(back)
	defer back()
	if !in.awaitTurn(ctx) {
		return in.replyNothing(x, p)
	}
	defer in.passTurn()
	if in.sortHanded(x.R.Context()) != nil {
		return exchange.ErrGone
	}
	lent, err := in.collect(ctx, x, p)
	back()
	if err == nil && len(lent) == 0 {
		err = in.unreachable()
	}
	if err != nil {
		return err
	}
	return in.reply(x, p, lent)
}

// replyNothing answers a request that got no turn in its time.
func (in *instance) replyNothing(x *exchange.Exchange, p recordsParams) error {
	if x.R.Context().Err() != nil {
		return exchange.ErrGone
	}
	if _, err := in.currentMember(); err != nil {
		return err
	}
	return in.reply(x, p, nil)
}

// readParams reads what the client asks for. A request never waits longer than the settings of the instance say.
func (in *instance) readParams(x *exchange.Exchange) (p recordsParams, err error) {
	if p.kind, err = in.kind(x); err != nil {
		return p, err
	}
	q := x.R.URL.Query()
	millis, given, err := exchange.QueryInt(q, "timeout", int(mostWait.Milliseconds()))
	if err != nil {
		return p, err
	}
	wait := in.wait
	switch asked := time.Duration(millis) * time.Millisecond; {
	case given && (wait == 0 || asked < wait):
		wait = asked
	case wait == 0:
		wait = defaultWait
	}
	p.until = time.Now().Add(wait)
	if p.bytes, given, err = exchange.QueryInt(q, "max_bytes", mostReply); !given {
		p.bytes = defaultReply
	}
	p.bytes = max(1, p.bytes) // a reply has at least one record
	return p, err
}

// prepare makes sure that there is a working member. With automatic commits it settles what earlier replies brought: a
// client that asks for more has processed that.
func (in *instance) prepare() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.ended != alive:
		return in.notFound()
	case in.member == nil:
		return errNotSubscribed(http.StatusInternalServerError)
	}
	if in.member.Broken() { // the consumer failed for good
		interest, pattern := in.interest, in.pattern
		in.leave(true)
		return in.join(in.all.service.Kafka, interest, pattern)
	}
	if in.autoCommit {
		for tp, offset := range in.deliveredThrough() {
			in.member.AcceptThrough(tp, offset)
		}
		in.clearDelivered()
	}
	return nil
}

// collect takes records until there are enough, or the time is over. If the client goes away, it gives them back.
func (in *instance) collect(ctx context.Context, x *exchange.Exchange, p recordsParams) (lent []kafka.Delivery, err error) {
	if err := in.prepare(); err != nil { //nolint:contextcheck // a subscription outlives who opens it
		return nil, err
	}
	hurried := in.hurried()
	size := 0
	for {
		before := len(lent)
		lent, err = in.next(p.bytes-size, lent)
		for i := range lent[before:] {
			size += len(lent[before+i].Key) + len(lent[before+i].Value)
		}
		full := &kafka.WindowError{}
		switch {
		case errors.As(err, &full) && len(lent) > 0:
			return lent, nil
		case err != nil:
			return nil, windowFull(err)
		case len(lent) > 0 && (size >= in.minBytes || size >= p.bytes):
			return lent, nil
		case len(lent) > before:
			continue // only a member that was lent nothing is woken
		}
		if over, err := in.waitForMore(ctx, x, hurried, len(lent) > 0); over {
			if err != nil {
				in.giveBack(lent)
				return nil, err
			}
			return lent, nil
		}
	}
}

// next takes the records that are there.
func (in *instance) next(bytes int, lent []kafka.Delivery) ([]kafka.Delivery, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended != alive {
		return lent, in.notFound()
	}
	return in.member.Next(mostReplied, bytes, lent)
}

// mostReplied bounds the records of a reply whose keys and values are empty.
const mostReplied = 50_000

// waitForMore returns false when more records may be there. It returns true when there will be no more: the time is
// over, or there is an error.
func (in *instance) waitForMore(ctx context.Context, x *exchange.Exchange, hurried <-chan struct{}, some bool) (over bool, err error) {
	select {
	case <-in.bell:
		return false, nil
	case <-in.gone:
		err = in.notFound()
	case <-ctx.Done():
		if x.R.Context().Err() != nil {
			err = exchange.ErrGone
		}
	case <-x.Drains:
		if !some {
			err = exchange.Stopping()
		}
	case <-hurried:
	}
	in.stopWaiting()
	return true, err
}

// unreachable is why no record could come; see kafka.Member.
func (in *instance) unreachable() error {
	member, err := in.currentMember()
	if err != nil {
		return err
	}
	return member.Unreachable()
}

func (in *instance) stopWaiting() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.member != nil {
		in.member.StopWaiting()
	}
}

// giveBack returns records that the client did not get. They are the next ones again.
func (in *instance) giveBack(lent []kafka.Delivery) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.member != nil && len(lent) > 0 {
		in.member.GiveBack(lent)
	}
}

// windowFull is the answer if too many records are not committed.
func windowFull(err error) error {
	var full *kafka.WindowError
	if !errors.As(err, &full) {
		return err
	}
	return &exchange.Failure{
		Status: http.StatusConflict, Code: exchange.CodeIllegalState,
		Message: "too many records are not committed: commit offsets, or make the instance with auto.commit.enable",
	}
}

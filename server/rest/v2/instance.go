package v2

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// instance is a consumer instance of REST v2: a client's membership in a group, which outlives its requests. It has no
// goroutine and no thread. Its records come from the Subscription that all members of the group share, or from a
// consumer of its own if it has assigned partitions.
type instance struct {
	settings

	id   kafka.Identity
	all  *instances
	bell server.Bell   // rings when records may be there
	turn chan struct{} // has a token while a request reads records, or changes where they come from
	gone chan struct{} // closed when the instance has ended

	mu        sync.Mutex // guards what follows; held only over calls into kafka that do not wait
	member    *kafka.Member
	interest  kafka.SubscribeOptions         // topics or partitions of the member
	pattern   bool                           // the subscription is a pattern
	delivered map[kafka.TopicPartition]int64 // by partition: the last offset that the client has and has not committed
	handed    []*handedReply                 // replies that came after that
	hurry     chan struct{}                  // closed when the request that has the turn should end
	replying  chan struct{}                  // closed when the reply that is being written has ended; nil when there is none
	ended     ending
	usage
}

// usage says whether an instance is used.
type usage struct {
	using int // requests now
	idle  *time.Timer
	seen  time.Time // the end of the last request
}

// ending is how an instance ended.
type ending string

const (
	alive    ending = ""
	deleted  ending = "deleted"
	expired  ending = "expired"
	replaced ending = "replaced" // by an instance of the same name
	stopped  ending = "stopped"  // with sluice
)

func newInstance(all *instances, id kafka.Identity, s *settings, idle time.Duration) *instance {
	in := &instance{
		settings: *s, id: id, all: all, bell: server.NewBell(), turn: make(chan struct{}, 1), gone: make(chan struct{}),
		delivered: map[kafka.TopicPartition]int64{}, hurry: make(chan struct{}),
	}
	in.idle, in.seen = time.AfterFunc(idle, in.expire), time.Now()
	return in
}

// begin keeps the instance alive during a request. It returns false if the instance has ended.
func (in *instance) begin() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended == alive {
		in.using++
		in.idle.Stop()
	}
	return in.ended == alive
}

// done ends a request. After the last one the instance is idle.
func (in *instance) done(idle time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.using--
	if in.using == 0 && in.ended == alive {
		in.idle.Reset(idle)
		in.seen = time.Now()
	}
}

// left returns how long the instance lives without a further request.
func (in *instance) left() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.using > 0 {
		return in.all.idle()
	}
	return max(0, in.all.idle()-time.Since(in.seen))
}

// uncommitted returns how many records it was lent and has not committed.
func (in *instance) uncommitted() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.member == nil {
		return 0
	}
	return in.member.Owed()
}

// expire ends the instance, unless a request has just come.
func (in *instance) expire() {
	in.mu.Lock()
	over := in.using == 0
	in.mu.Unlock()
	if over {
		in.all.end(in, expired)
	}
}

// finish ends the instance. Records that it has not committed go back at once; those of a replaced instance go to its
// successor. It returns false if the instance has ended before.
func (in *instance) finish(how ending) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended != alive || how == expired && in.using > 0 {
		return false
	}
	in.ended = how
	in.idle.Stop()
	close(in.gone)
	in.leave(how != replaced)
	return true
}

// leave leaves the group. The caller holds mu.
func (in *instance) leave(politely bool) {
	if in.member != nil {
		in.member.Leave(politely)
	}
	in.member, in.interest, in.pattern = nil, kafka.SubscribeOptions{}, false
	in.clearDelivered()
}

// currentMember returns the member, or why there is none.
func (in *instance) currentMember() (*kafka.Member, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended != alive {
		return nil, in.notFound()
	}
	if in.member == nil {
		return nil, errNotSubscribed(http.StatusNotFound)
	}
	return in.member, nil
}

// notFound is the answer to a request for an instance that has ended.
func (in *instance) notFound() error { return noInstance(in.ended.explain(in.all.idle())) }

// takeTurn waits for the turn until ctx ends, and asks the request that has it to end. It returns false if there was
// no turn in time.
func (in *instance) takeTurn(ctx context.Context) bool {
	in.mu.Lock()
	close(in.hurry)
	in.hurry = make(chan struct{})
	in.mu.Unlock()
	return in.awaitTurn(ctx)
}

// awaitTurn is takeTurn without asking anybody to end.
func (in *instance) awaitTurn(ctx context.Context) bool {
	select {
	case in.turn <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-in.gone:
	}
	return false
}

// passTurn gives the turn to the next request.
func (in *instance) passTurn() { <-in.turn }

// hurried returns a channel that is closed when another request wants the turn.
func (in *instance) hurried() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.hurry
}

// noInstance is the answer for an instance that is not there.
func noInstance(story string) error {
	return &exchange.Failure{Status: http.StatusNotFound, Code: exchange.CodeNoInstance, Message: "Consumer instance not found. " + story}
}

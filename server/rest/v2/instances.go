package v2

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/rest/exchange"
)

// instances are the consumer instances, and how the last ones ended.
type instances struct {
	service *exchange.Service

	mu     sync.Mutex // guards what follows; locked before the mu of an instance
	byID   map[kafka.Identity]*instance
	past   map[kafka.Identity]ending
	order  []kafka.Identity // keys of past, the oldest first
	counts map[ending]int64
	closed bool
}

// rememberedEndings bounds past. Older endings are forgotten.
const rememberedEndings = 1_000

func newInstances(s *exchange.Service) *instances {
	return &instances{
		service: s, byID: map[kafka.Identity]*instance{}, past: map[kafka.Identity]ending{}, counts: map[ending]int64{},
	}
}

func (all *instances) idle() time.Duration { return all.service.Options().InstanceIdle }

// add makes an instance.
func (all *instances) add(id kafka.Identity, s *settings) (*instance, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	old := all.byID[id]
	switch {
	case all.closed:
		return nil, exchange.Stopping()
	case old != nil && !s.takeover:
		return nil, &exchange.Failure{
			Status: http.StatusConflict, Code: exchange.CodeExists,
			Message: "Consumer with specified consumer ID already exists in the specified consumer group.",
		}
	case old != nil:
		old.finish(replaced)
		all.counts[replaced]++
	case len(all.byID) >= all.service.Options().MaxInstances:
		return nil, exchange.Unavailable("http.max_instances: there are as many consumer instances as there may be")
	}
	in := newInstance(all, id, s, all.idle())
	all.byID[id] = in
	return in, nil
}

// find returns the instance of that name, or the answer that says how it ended.
func (all *instances) find(id kafka.Identity) (*instance, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if in := all.byID[id]; in != nil {
		return in, nil
	}
	how, known := all.past[id]
	if !known {
		return nil, noInstance("There never was one of that name in that group here, or it ended long ago.")
	}
	return nil, noInstance(how.explain(all.idle()))
}

// explain says how an instance ended.
func (how ending) explain(idle time.Duration) string {
	switch how {
	case expired:
		return "It expired after " + idle.String() + " without a request."
	case replaced:
		return "Another one has taken its name over."
	case stopped:
		return "It ended with sluice."
	}
	return "It was deleted."
}

// end ends an instance.
func (all *instances) end(in *instance, how ending) {
	if !in.finish(how) {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.counts[how]++
	if all.byID[in.id] == in {
		delete(all.byID, in.id)
		all.remember(in.id, how)
	}
	if how == expired {
		all.service.Log.Warn("consumer instance expired", "group", in.id.Group, "instance", in.id.Name, "idle", all.idle().String())
	}
}

// remember notes how an instance ended.
func (all *instances) remember(id kafka.Identity, how ending) {
	if _, known := all.past[id]; !known {
		all.order = append(all.order, id)
	}
	all.past[id] = how
	if len(all.order) > rememberedEndings {
		delete(all.past, all.order[0])
		all.order = all.order[1:]
	}
}

// commitInterval is the time between two looks of waitCommitted.
const commitInterval = 10 * time.Millisecond

// waitCommitted waits until clients have committed what replies brought them, or ctx ends. Clients that were not here
// lately are not waited for.
func (all *instances) waitCommitted(ctx context.Context) {
	look := time.NewTicker(commitInterval)
	defer look.Stop()
	for ctx.Err() == nil && all.atWork() {
		select {
		case <-look.C:
		case <-ctx.Done():
		}
	}
}

// atWork reports whether a client may still commit.
func (all *instances) atWork() bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, in := range all.byID {
		if in.willCommit(all.service.Options().DrainGrace) {
			return true
		}
	}
	return false
}

// willCommit reports whether the client has something to commit, and was here lately. With automatic commits it would
// have to ask for more records, which it does not get any more.
func (in *instance) willCommit(lately time.Duration) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.autoCommit && len(in.delivered)+len(in.handed) > 0 && (in.using > 0 || time.Since(in.seen) < lately)
}

// close ends all instances. No more can be made.
func (all *instances) close() {
	all.mu.Lock()
	all.closed = true
	list := make([]*instance, 0, len(all.byID))
	for _, in := range all.byID {
		list = append(list, in)
	}
	all.mu.Unlock()
	for _, in := range list {
		all.end(in, stopped)
	}
}

// count returns how many there are, and how many ended, by how.
func (all *instances) count() (open int, ended map[string]int64) {
	all.mu.Lock()
	defer all.mu.Unlock()
	ended = map[string]int64{}
	for _, how := range []ending{deleted, expired, replaced, stopped} {
		ended[string(how)] = all.counts[how]
	}
	return len(all.byID), ended
}

// someName is the name of an instance whose client gave none.
func someName() string { return "rest-consumer-" + rand.Text() }

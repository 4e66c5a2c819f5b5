package resp

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp/owners"
)

// sessions are the open sessions of a server.
type sessions struct {
	accepted atomic.Int64   // sessions that ever began, the source of their ids
	running  sync.WaitGroup // goroutines of the sessions, and the one that asks for topics

	mu   sync.Mutex // guards what follows
	open map[int64]*session

	owners *owners.Owners[*session]
}

func newSessions() sessions {
	return sessions{open: map[int64]*session{}, owners: owners.New[*session]()}
}

// add gives a session its id; false when as many are open as may be.
func (ss *sessions) add(s *session, limit int) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if len(ss.open) >= limit {
		return false
	}
	s.id = ss.accepted.Add(1)
	ss.open[s.id] = s
	return true
}

// remove drops a session that has ended.
func (ss *sessions) remove(s *session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.open, s.id)
}

// count is how many sessions are open.
func (ss *sessions) count() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.open)
}

// withID returns the open session of that id, nil when there is none.
func (ss *sessions) withID(id int64) *session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.open[id]
}

// all returns the open sessions.
func (ss *sessions) all() []*session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	list := make([]*session, 0, len(ss.open))
	for _, s := range ss.open {
		list = append(list, s)
	}
	return list
}

// inOrder returns the open sessions, oldest first.
func (ss *sessions) inOrder() []*session {
	list := ss.all()
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.id, b.id) })
	return list
}

const (
	deadOwnerTimeout = time.Second           // how long the session of a dead connection may take to end
	reconnectGap     = 50 * time.Millisecond // how late the end of an old connection may be noticed
)

// awaitDeadOwner waits for the end of the session that consumes with the identity, if its client has hung up. It
// returns false when the client is alive. A client may close one connection and then ask on another, and be heard in
// the other order. So even an owner that seems alive gets a moment to end.
func (ss *sessions) awaitDeadOwner(id kafka.Identity) bool {
	owner, timeout := ss.owners.Owner(id), reconnectGap
	if owner == nil {
		return true
	}
	if owner.conn.HungUp() {
		owner.conn.Wake()
		timeout = deadOwnerTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	select {
	case <-owner.end.done:
	case <-ctx.Done():
	}
	return ss.owners.Owner(id) == nil // the session may have given up the identity and wait for replies
}

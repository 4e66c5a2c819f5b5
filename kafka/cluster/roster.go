package cluster

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// roster is the brokers of the cluster, and which of them do not answer. A broker that is asked in vain is passed
// over until it answers again: one silent broker keeps nobody from the others.
type roster struct {
	mu      sync.Mutex // guards what follows
	brokers []Broker   // by number; none before the first answer
	silent  map[int32]unheard
	last    int32 // who answered last
}

// unheard is since when a broker has not answered, and when it was last asked.
type unheard struct{ since, asked time.Time }

// silentFor is how long a broker does not answer until it is named: the first question waits for its connection.
const silentFor = 1500 * time.Millisecond

// Address is the broker's host:port.
func (b Broker) Address() string { return net.JoinHostPort(b.Host, strconv.Itoa(b.Port)) }

// String names it for people: "2 at kafka2:9092".
func (b Broker) String() string { return fmt.Sprintf("%d at %s", b.ID, b.Address()) }

// learn takes the present brokers of the cluster; those that have left it are forgotten.
func (r *roster) learn(brokers []Broker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.brokers = brokers
	for id := range r.silent {
		if !slices.ContainsFunc(brokers, func(b Broker) bool { return b.ID == id }) {
			delete(r.silent, id)
		}
	}
}

func (r *roster) all() []Broker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brokers
}

// pick is the broker to ask: who answered last, else one that is not silent, else the one that was asked longest ago.
// known is false when there is none.
func (r *roster) pick() (id int32, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.brokers) == 0 {
		return 0, false
	}
	best := r.brokers[0].ID
	for _, b := range r.brokers {
		// The zero time is that of a broker that is not silent.
		by := r.silent[b.ID].asked.Compare(r.silent[best].asked)
		if by < 0 || by == 0 && b.ID == r.last {
			best = b.ID
		}
	}
	return best, true
}

// heard notes how a question to a broker ended.
func (r *roster) heard(id int32, answered bool, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answered {
		r.last = id
		delete(r.silent, id)
		return
	}
	if r.silent == nil {
		r.silent = map[int32]unheard{}
	}
	s, known := r.silent[id]
	if !known {
		s.since = at
	}
	s.asked = at
	r.silent[id] = s
}

// heardOf tells which brokers have not answered for a while.
func (r *roster) heardOf(now time.Time) []Heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	heard := make([]Heard, 0, len(r.brokers))
	for _, b := range r.brokers {
		s, silent := r.silent[b.ID]
		heard = append(heard, Heard{Broker: b, Silent: silent && now.Sub(s.since) >= silentFor})
	}
	return heard
}

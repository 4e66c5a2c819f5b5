// Package owners says which connection consumes with an identity.
package owners

import (
	"sync"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
)

// Connection is what owns a consumer. Wake makes it look again; any goroutine may call it.
type Connection interface {
	comparable
	Wake()
}

// Owners are the connections that consume, by identity.
type Owners[C Connection] struct {
	mu sync.Mutex // guards by, and owner and asks of every consumer
	by map[kafka.Identity]*Consumer[C]
}

// Consumer is a member of a group in the hands of a connection.
//
// Where the client's connection has the identity, it is that connection's for life. Where the key of BLPOP has it, the
// consumer is pooled: it belongs to the connection that asked last, and another one may ask once that one does not wait.
// So the connections of a pool may take turns. The member's records are not lent again at a change of hands.
type Consumer[C Connection] struct {
	Member *kafka.Member
	Key    *blpopkey.Key
	Pooled bool
	// Fed says that a record was lent to it, or that none was there. Its owner alone uses it.
	Fed bool

	owner C
	asks  bool // its owner waits for a record
}

// NewConsumer is a consumer that is to join for a connection. Wake reaches that from now on.
func NewConsumer[C Connection](key *blpopkey.Key, pooled bool, by C) *Consumer[C] {
	return &Consumer[C]{Key: key, Pooled: pooled, owner: by}
}

// New knows of no consumer.
func New[C Connection]() *Owners[C] { return &Owners[C]{by: map[kafka.Identity]*Consumer[C]{}} }

// Count is how many there are.
func (o *Owners[C]) Count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.by)
}

// Owner is the connection that consumes with an identity; the zero value when none does.
func (o *Owners[C]) Owner(id kafka.Identity) (owner C) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.by[id]; c != nil {
		return c.owner
	}
	return owner
}

// Add notes a consumer that has joined. Its connection asks for records.
func (o *Owners[C]) Add(c *Consumer[C]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.asks = true
	o.by[c.Key.Identity] = c
}

// Take gives a pooled consumer to a connection that asks for records with its identity, until Done. It returns nil when
// there is none, and when another connection asks: then taken is true.
func (o *Owners[C]) Take(id kafka.Identity, by C) (c *Consumer[C], taken bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch c = o.by[id]; {
	case c == nil:
		return nil, false
	case !c.Pooled || c.asks && c.owner != by:
		return nil, true
	}
	c.owner, c.asks = by, true
	return c, false
}

// Again lets a pooled consumer's owner ask again, until Done. It returns false when another connection has taken it.
func (o *Owners[C]) Again(c *Consumer[C], by C) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by[c.Key.Identity] != c || c.owner != by {
		return false
	}
	c.asks = true
	return true
}

// Done says that the owner waits for no record.
func (o *Owners[C]) Done(c *Consumer[C]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.asks = false
}

// End ends a consumer that a connection has: leave is called, and nobody may take it meanwhile. It does nothing when another
// connection has taken it since.
func (o *Owners[C]) End(c *Consumer[C], by C, leave func()) {
	o.mu.Lock()
	owned := o.by[c.Key.Identity] == c && c.owner == by
	c.Pooled = c.Pooled && !owned
	o.mu.Unlock()
	if !owned {
		return
	}
	leave()
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.by, c.Key.Identity)
}

// Wake makes the owner look again.
func (o *Owners[C]) Wake(c *Consumer[C]) {
	o.mu.Lock()
	owner := c.owner
	o.mu.Unlock()
	owner.Wake()
}

package owners

import (
	"testing"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/resp/blpopkey"
)

// client is a connection that counts how often it was woken.
type client struct{ wakes *int }

func (c client) Wake() { *c.wakes++ }

func newClient() client { return client{new(int)} }

var worker = kafka.Identity{Group: "app", Name: "w"}

func consumer(pooled bool, by client) *Consumer[client] {
	return NewConsumer(&blpopkey.Key{Identity: worker}, pooled, by)
}

// The connections of a pool take turns, and two never ask at once. Who asked last is woken, and ends it.
func TestAPooledConsumerChangesHands(t *testing.T) {
	o, a, b := New[client](), newClient(), newClient()
	c := consumer(true, a)
	if o.Wake(c); *a.wakes != 1 {
		t.Error("who joins is not woken")
	}
	if taken, busy := o.Take(worker, a); taken != nil || busy {
		t.Error("taken before it was there")
	}
	o.Add(c)
	if taken, busy := o.Take(worker, b); taken != nil || !busy {
		t.Error("taken while its owner asks")
	}
	o.Done(c)
	if taken, _ := o.Take(worker, b); taken != c || o.Owner(worker) != b {
		t.Error("not taken while its owner does not ask")
	}
	if taken, _ := o.Take(worker, b); taken != c {
		t.Error("its owner may ask again")
	}
	if !o.Again(c, b) || o.Again(c, a) {
		t.Error("its owner may ask again, and nobody else")
	}
	o.Wake(c)
	if *a.wakes != 1 || *b.wakes != 1 {
		t.Errorf("%d and %d wakes", *a.wakes, *b.wakes)
	}
	o.Done(c)
	o.End(c, a, func() { t.Error("left by who had it before") })
	left := false
	o.End(c, b, func() {
		left = true
		if taken, busy := o.Take(worker, a); taken != nil || !busy {
			t.Error("taken while it leaves")
		}
	})
	if !left || o.Count() != 0 || o.Owner(worker) != (client{}) {
		t.Error("it is still there")
	}
	o.End(c, b, func() { t.Error("left twice") })
}

func TestAConnectionsOwnConsumerStaysWithIt(t *testing.T) {
	o, a, b := New[client](), newClient(), newClient()
	c := consumer(false, a)
	o.Add(c)
	o.Done(c)
	if taken, busy := o.Take(worker, b); taken != nil || !busy {
		t.Error("taken by another")
	}
	o.End(c, a, func() {})
	if taken, busy := o.Take(worker, b); taken != nil || busy {
		t.Error("it is still there")
	}
}

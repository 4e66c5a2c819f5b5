package operations

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// consume starts the consumers of the books.
func (b *books) consume(t *testing.T, ctx context.Context, all *sync.WaitGroup) {
	start := func(group, name, key string, story func(context.Context, *member) error) {
		m := &member{books: b, group: group, name: name, key: "topics:" + letters + key, seen: b.hadBy(group)}
		b.play(t, ctx, all, group+":"+name, func(ctx context.Context) error {
			defer m.vanish()
			return story(ctx, m)
		})
	}
	start("app", "steady", "", steady)
	start("app", "other", "", steady)
	start("app", "comes-back", "", comesBack)
	start("batch", "one", `:{"sluice.batch":50}`, steady)
	start("batch", "two", `:{"sluice.batch":7}`, steady)
	start("moody", "releases", "", releases)
	start("moody", "vanishes", "", comesBack)
	start("moody", "steady", "", steady)
}

// had are the records that a group was lent before, by any member: the next time is a redelivery.
type had struct {
	mu      sync.Mutex
	records map[string]bool
}

// hadBy is what the members of a group keep together.
func (b *books) hadBy(group string) *had {
	if b.had[group] == nil {
		b.had[group] = &had{records: map[string]bool{}}
	}
	return b.had[group]
}

// note tells whether the record had been there before.
func (h *had) note(r record) (again bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	again = h.records[r.String()]
	h.records[r.String()] = true
	return again
}

// member is one named consumer, which keeps its own books.
type member struct {
	*books

	group, name, key string
	seen             *had
	conn             *client
	owed             []record // on this connection, not settled yet
}

func (m *member) open(ctx context.Context) error {
	c, err := dial(ctx, m.addr, 7)
	if err != nil {
		return err
	}
	m.conn = c
	_, err = c.do("CLIENT", "SETNAME", m.group+":"+m.name)
	return err
}

// receive waits a moment for records and books them.
func (m *member) receive() error {
	records, err := m.conn.next(m.key, "0.5")
	if err != nil {
		return err
	}
	m.add("received", m.group, int64(len(records)))
	for _, r := range records {
		if m.seen.note(r) {
			m.add("again", m.group, 1)
		}
	}
	m.owed = append(m.owed, records...)
	return nil
}

// acknowledge sends an ack up to the newest record of a partition.
func (m *member) acknowledge() error {
	if len(m.owed) == 0 {
		return nil
	}
	newest := m.owed[len(m.owed)-1]
	before := len(m.owed)
	m.owed = slices.DeleteFunc(m.owed, func(r record) bool { return r.place == newest.place && r.at <= newest.at })
	n, err := m.conn.number("RPUSH", "acks", newest.String())
	if err == nil && n != 1 {
		err = fmt.Errorf("ack of %s is answered with %d", newest, n)
	}
	m.add("acked", m.group, int64(before-len(m.owed)))
	return err
}

// acknowledgeAll settles everything, and one record twice: that is late.
func (m *member) acknowledgeAll() error {
	last := ""
	for len(m.owed) > 0 {
		last = m.owed[len(m.owed)-1].String()
		if err := m.acknowledge(); err != nil {
			return err
		}
	}
	if last == "" {
		return nil
	}
	n, err := m.conn.number("RPUSH", "acks", last)
	if err == nil && n != 0 {
		err = fmt.Errorf("the second ack of %s is answered with %d", last, n)
	}
	m.add("late", m.group, 1)
	return err
}

// release gives the newest record back.
func (m *member) release(how ...string) error {
	if len(m.owed) == 0 {
		return nil
	}
	newest := m.owed[len(m.owed)-1]
	m.owed = m.owed[:len(m.owed)-1]
	n, err := m.conn.number(append([]string{"RPUSH", "releases", newest.String()}, how...)...)
	if err == nil && n != 1 {
		err = fmt.Errorf("release of %s is answered with %d", newest, n)
	}
	m.add("returned", m.group, 1)
	return err
}

// vanish ends the connection without a word; what it has in its hands will come again.
func (m *member) vanish() {
	if m.conn != nil {
		m.conn.Close()
	}
	m.add("returned", m.group, int64(len(m.owed)))
	m.conn, m.owed = nil, nil
}

// quit says goodbye, which gives everything back at once.
func (m *member) quit() error {
	reply, err := m.conn.do("QUIT")
	if err == nil && reply != "OK" {
		err = fmt.Errorf("QUIT is answered with %v", reply)
	}
	m.vanish()
	return err
}

// steady acknowledges every few records, and quits with some in its hands.
func steady(ctx context.Context, m *member) error {
	if err := m.open(ctx); err != nil {
		return err
	}
	turn := 0
	err := rounds(ctx, func() error {
		turn++
		if err := m.receive(); err != nil {
			return err
		}
		switch {
		case turn%50 == 0:
			return m.acknowledgeAll()
		case turn%7 == 0:
			return m.acknowledge()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.quit()
}

// comesBack vanishes with records in its hands, comes back under the same name, quits with some, and
// in the end stays away.
func comesBack(ctx context.Context, m *member) error {
	life := 0
	return rounds(ctx, func() error {
		life++
		if err := m.open(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for range 10 {
			if err := m.receive(); err != nil {
				return err
			}
		}
		if err := m.acknowledge(); err != nil {
			return err
		}
		for range 5 {
			if err := m.receive(); err != nil {
				return err
			}
		}
		if life%4 == 0 {
			return m.quit()
		}
		m.vanish()
		return nil
	})
}

// releases gives some records back, at once or for later.
func releases(ctx context.Context, m *member) error {
	if err := m.open(ctx); err != nil {
		return err
	}
	turn := 0
	err := rounds(ctx, func() error {
		turn++
		if err := m.receive(); err != nil {
			return err
		}
		switch {
		case turn%9 == 0:
			return m.acknowledgeAll()
		case turn%11 == 0:
			return m.release(`{"delay_ms":50}`)
		case turn%3 == 0:
			return m.release()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.quit()
}

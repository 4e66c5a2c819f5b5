package main

import (
	"fmt"
	"time"
)

// popSeconds is how long a BLPOP waits; a consumer looks at its clock in between.
const popSeconds = "0.1"

// consumer pops records and acknowledges them, cumulatively for each partition, when it has held
// them long enough.
type consumer struct {
	*client
	held   []holding // in the order in which they came
	owes   []place   // acknowledgements that were sent, in order
	hurry  bool      // acknowledge everything now
	paused bool      // sluice is ending and lends nothing more
}

type holding struct {
	place
	since time.Time
}

func (c *consumer) session(d *door) error {
	if err := c.greet(d); err != nil {
		return err
	}
	for !c.stopped.Load() {
		if err := c.turn(d); err != nil {
			_ = c.journal.flush()
			return err
		}
	}
	return c.leave(d)
}

// greet says who we are.
func (c *consumer) greet(d *door) error {
	c.held, c.owes, c.hurry, c.paused = nil, nil, false, false
	if answer, err := d.ask("CLIENT", "SETNAME", c.Member); err != nil || answer != "OK" {
		return fmt.Errorf("CLIENT SETNAME: %v, %w", answer, err)
	}
	return nil
}

// turn acknowledges what is due and pops what is next, in one go.
func (c *consumer) turn(d *door) error {
	if err := c.acknowledge(d); err != nil {
		return err
	}
	d.add("BLPOP", c.Key, popSeconds)
	if err := c.exchange(d); err != nil {
		return err
	}
	answer, err := d.reply()
	if err != nil {
		return err
	}
	return c.take(answer)
}

// exchange sends what was added, and notes the answers to the acknowledgements.
func (c *consumer) exchange(d *door) error {
	if err := c.journal.flush(); err != nil {
		return err
	}
	if err := d.send(); err != nil {
		return err
	}
	for _, at := range c.owes {
		answer, err := d.reply()
		if err != nil {
			return err
		}
		k, text := acked, ""
		if answer != int64(1) {
			k, text = stale, fmt.Sprint(answer)
		}
		if err := c.journal.note(k, at, "", text); err != nil {
			return err
		}
	}
	c.owes = c.owes[:0]
	return nil
}

// acknowledge adds an acknowledgement for every partition of which something is due: its last record
// that is due covers those before.
func (c *consumer) acknowledge(d *door) error {
	now := time.Now()
	last := map[lane]place{}
	var kept []holding
	for _, h := range c.held {
		if !c.hurry && now.Sub(h.since) < c.Hold {
			kept = append(kept, h)
			continue
		}
		last[h.lane()] = h.place
	}
	c.held, c.hurry = kept, false
	for _, at := range last {
		if err := c.journal.note(acking, at, "", ""); err != nil {
			return err
		}
		d.add("RPUSH", "acks", at.String())
		c.owes = append(c.owes, at)
	}
	return nil
}

// take notes what BLPOP answered.
func (c *consumer) take(answer any) error {
	if text, is := answer.(refusal); is {
		c.hurry = true // sluice may be waiting for us to settle
		if !c.paused || text != "CONS Server shutdown" {
			c.paused = text == "CONS Server shutdown"
			if err := c.mention(string(text)); err != nil {
				return err
			}
		}
		<-time.After(reconnectPause)
		return nil
	}
	records, err := deliveries(answer)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, r := range records {
		if err := c.journal.note(got, r.place, r.value, ""); err != nil {
			return err
		}
		c.held = append(c.held, holding{r.place, now})
	}
	return nil
}

// settle acknowledges everything.
func (c *consumer) settle(d *door) error {
	c.hurry = true
	if err := c.acknowledge(d); err != nil {
		return err
	}
	if err := c.exchange(d); err != nil {
		return err
	}
	return c.journal.flush()
}

// leave acknowledges everything and says goodbye.
func (c *consumer) leave(d *door) error {
	if err := c.settle(d); err != nil {
		return err
	}
	_, err := d.ask("QUIT")
	return err
}

package failures

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluice-proxy/sluice/kafka/record"
)

func id(offset int64) record.PartitionOffset {
	return record.PartitionOffset{TopicPartition: record.TopicPartition{Topic: "t"}, Offset: offset}
}

// sink is what processes records in the tests: a service that fails from dawn on for a time.
type sink struct {
	fails time.Duration
	takes time.Duration // to process, or to fail
}

// outcome is what a simulated run saw.
type outcome struct {
	lent      int           // while the sink failed
	trials    int           // those of them that were lent while the circuit was open
	attempts  map[int64]int // failures that count, by offset
	recovered time.Duration // from the sink's recovery to the first accepted record
}

// simulate lends to some workers, one record each, whatever the circuit allows; the simulated clock ticks in steps. Records
// that failed are lent again, others first. It ends with the first accepted record.
func simulate(t *testing.T, workers int, s sink) outcome {
	c := Circuit{Breaker: DefaultBreaker}
	seen := outcome{attempts: map[int64]int{}}
	type work struct {
		id   record.PartitionOffset
		ends time.Time
	}
	var busy []work
	next := int64(0)
	const step = 5 * time.Millisecond
	for now := dawn; now.Sub(dawn) < s.fails+time.Minute; now = now.Add(step) {
		var going []work
		for _, w := range busy {
			switch {
			case w.ends.After(now):
				going = append(going, w)
			case w.ends.Sub(dawn) <= s.fails:
				if c.Failed(w.id, now) {
					seen.attempts[w.id.Offset]++
				}
			default:
				seen.recovered = now.Sub(dawn) - s.fails
				c.Accepted()
				if c.State() != BreakerClosed || !c.Allow(now) {
					t.Error("a success closes nothing")
				}
				return seen
			}
		}
		busy = going
		for len(busy) < workers && c.Allow(now) {
			if c.Tried(id(next)) {
				t.Errorf("%d was tried already", next)
			}
			if now.Sub(dawn) < s.fails {
				seen.lent++
				if c.Open() {
					seen.trials++
				}
			}
			c.Lent(id(next), now)
			busy = append(busy, work{id(next), now.Add(s.takes)})
			next++
		}
	}
	t.Fatal("nothing was accepted any more")
	return seen
}

// A sink that fails for a minute costs few records, none of them is given up, and it is back soon.
func TestASinkThatFailsForAMinute(t *testing.T) {
	sinks := []sink{
		{time.Minute, 5 * time.Millisecond},   // refuses at once
		{time.Minute, 500 * time.Millisecond}, // times out
	}
	for fails := 50 * time.Second; fails < time.Minute; fails += 250 * time.Millisecond { // recovers anywhere between two trials
		sinks = append(sinks, sink{fails, 200 * time.Millisecond})
	}
	for _, s := range sinks {
		for _, workers := range []int{1, 2} {
			seen := simulate(t, workers, s)
			if seen.lent > 20 {
				t.Errorf("%d workers, %+v: %d records were lent to a sink that failed", workers, s, seen.lent)
			}
			if seen.recovered > 5*time.Second {
				t.Errorf("%d workers, %+v: back after %v", workers, s, seen.recovered)
			}
		}
		// What more workers hold when the sink begins to fail comes on top: it was lent before anything was known.
		seen := simulate(t, 64, s)
		if beyond := seen.lent - seen.trials; seen.trials > 15 || beyond > 64+DefaultBreaker.Failures-1 {
			t.Errorf("64 workers, %+v: %d records, and %d trials", s, beyond, seen.trials)
		}
		if seen.recovered > 5*time.Second {
			t.Errorf("64 workers, %+v: back after %v", s, seen.recovered)
		}
		for offset, attempts := range seen.attempts {
			if attempts > 1 {
				t.Errorf("%d has %d attempts", offset, attempts)
			}
		}
		if len(seen.attempts) != DefaultBreaker.Failures {
			t.Errorf("%d records have an attempt for the sink's fault", len(seen.attempts))
		}
	}
}

// Where a partition waits for a record, no other shows that the sink is at fault.
func TestOneRecordThatFailsOpensTheCircuit(t *testing.T) {
	c := Circuit{Breaker: DefaultBreaker}
	for range DefaultBreaker.Failures {
		if !c.Failed(id(1), dawn) {
			t.Fatal("a failure that does not count")
		}
	}
	if !c.Open() || c.Failed(id(1), dawn) {
		t.Error("its failures still count")
	}
}

func TestTheStatesOfACircuit(t *testing.T) {
	c := Circuit{Breaker: Breaker{2, time.Second}}
	expect := func(now time.Time, state BreakerState, next time.Time) {
		t.Helper()
		if c.State() != state || !c.Next(now).Equal(next) || c.Allow(now) != next.Equal(now) {
			t.Errorf("%s, next after %v, allowed: %t; want %s, %v", c.State(), c.Next(now).Sub(now), c.Allow(now), state, next.Sub(now))
		}
	}
	expect(dawn, BreakerClosed, dawn)
	c.Failed(id(1), dawn)
	c.Accepted()
	c.Failed(id(2), dawn)
	expect(dawn, BreakerClosed, dawn)
	c.Failed(id(3), dawn)
	probe := dawn.Add(time.Second)
	expect(dawn, BreakerOpen, probe)
	expect(probe, BreakerOpen, probe) // due, and nothing is lost if there is no record now
	late := probe.Add(time.Hour)
	expect(late, BreakerOpen, late)

	c.Lent(id(4), late)
	expect(late, BreakerProbing, late.Add(time.Second))
	if c.Failed(id(3), late) { // another one, of before
		t.Error("a failure counts although the circuit is open")
	}
	expect(late, BreakerProbing, late.Add(time.Second))
	c.Failed(id(4), late)
	expect(late, BreakerOpen, late.Add(time.Second))
	if !c.Tried(id(4)) || c.Tried(id(3)) {
		t.Error("the trials are not known")
	}
	hangs := late.Add(time.Second)
	c.Lent(id(5), hangs)
	expect(hangs.Add(time.Second), BreakerProbing, hangs.Add(time.Second))

	c.Breaker = Breaker{} // a reload
	expect(hangs, BreakerClosed, hangs)
	if c.Tried(id(4)) || !c.Failed(id(4), hangs) {
		t.Error("without a breaker something is open")
	}
	c.Breaker = Breaker{2, time.Second}
	expect(hangs, BreakerClosed, hangs)
}

// Against the rule, told once more with everything that ever happened.
func TestACircuitDoesWhatItsRuleSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Breaker{rapid.IntRange(1, 6).Draw(t, "failures"), time.Duration(rapid.IntRange(1, 10).Draw(t, "probe")) * time.Second}
		c := Circuit{Breaker: b}
		now := dawn
		var last time.Time // a trial, or the opening
		streak := 0
		open := false
		t.Repeat(map[string]func(*rapid.T){
			"fail": func(t *rapid.T) {
				r := id(rapid.Int64Range(0, 100).Draw(t, "offset"))
				if open {
					streak = 0
				}
				if counts := c.Failed(r, now); counts == open {
					t.Fatalf("counts: %t, open: %t", counts, open)
				}
				if streak++; !open && streak >= b.Failures {
					open, last = true, now
				}
			},
			"accept": func(*rapid.T) { c.Accepted(); open = false; streak = 0 },
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			},
			"lend": func(t *rapid.T) {
				allowed := !open || now.Sub(last) >= b.Probe
				if c.Allow(now) != allowed {
					t.Fatalf("allowed: %t", !allowed)
				}
				if !allowed {
					return
				}
				r := id(rapid.Int64Range(0, 100).Draw(t, "offset"))
				c.Lent(r, now)
				if c.Tried(r) != open {
					t.Fatalf("tried: %t, open: %t", !open, open)
				}
				last = now
			},
			"": func(t *rapid.T) {
				if c.Open() != open || (c.State() == BreakerClosed) == open || len(c.trials) > mostTrials || c.failed >= b.Failures {
					t.Fatalf("%s, %d trials, %d failed; open: %t", c.State(), len(c.trials), c.failed, open)
				}
			},
		})
	})
}

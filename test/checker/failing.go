package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fate is what happens to a record whenever a worker has it.
type fate string

const (
	good     fate = "good"
	fails    fate = "fails"    // its first attempts are released as failed
	poison   fate = "poison"   // so is every attempt
	hopeless fate = "hopeless" // it is rejected at once
	deadly   fate = "deadly"   // its first workers die of it: over HTTP its first leases end
)

// script is a record as its value says it: the nth record of its key, and what happens to it.
type script struct {
	key   string
	n     int
	fate  fate
	times int // how many attempts fail, of one that succeeds at last
}

func (s *script) String() string { return fmt.Sprintf("%s.%d.%s.%d", s.key, s.n, s.fate, s.times) }

var errNoScript = errors.New("a value that says nothing of its record's fate")

func parseScript(value string) (s script, err error) {
	fields := strings.Split(value, ".")
	if len(fields) != 4 {
		return s, fmt.Errorf("%w: %.60q", errNoScript, value)
	}
	n, err1 := strconv.Atoi(fields[1])
	times, err2 := strconv.Atoi(fields[3])
	return script{fields[0], n, fate(fields[2]), times}, errors.Join(err1, err2)
}

// author thinks up records: of a thousand, so many have each fate but good.
type author struct {
	rand  *rand.Rand
	lots  map[fate]int
	count []int // of each key, the records up to now
}

func (a *author) next() script {
	k := a.rand.IntN(len(a.count))
	s := script{key: "k" + strconv.Itoa(k), n: a.count[k], fate: good}
	a.count[k]++
	lot := a.rand.IntN(1000)
	for _, f := range []fate{fails, poison, hopeless, deadly} {
		if lot -= a.lots[f]; lot < 0 {
			s.fate = f
			break
		}
	}
	switch s.fate {
	case fails:
		s.times = 1 + a.rand.IntN(mostRetries)
	case deadly:
		s.times = 1 + a.rand.IntN(2)
	case good, poison, hopeless:
	}
	return s
}

// mostRetries is how often the trials' policy has a record tried again.
const mostRetries = 3

// write produces records past sluice, so many a second, until ctx ends. Those that were begun are written then.
func (a *author) write(ctx context.Context, brokers []string, topic string, rate int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	var mu sync.Mutex
	var failed error
	const turns = 20 // a second
	for pause(ctx, time.Second/turns) == nil {
		for range rate / turns {
			s := a.next()
			client.Produce(context.WithoutCancel(ctx), kgo.KeyStringRecord(s.key, s.String()), func(_ *kgo.Record, err error) {
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, err)
			})
		}
	}
	flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	err = client.Flush(flushing)
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(err, failed)
}

// deed is what a worker does with a record.
type deed string

const (
	accept  deed = "accept"
	release deed = "release"
	reject  deed = "reject"
	die     deed = "die"
)

// director tells workers what to do. It counts what was done for each record itself: the attempts that sluice tells are judged.
type director struct {
	mu   sync.Mutex
	done map[string]int // by value, attempts that were to fail
}

func (d *director) deed(s *script) deed {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.fate == poison {
		return release
	}
	if s.fate == hopeless {
		return reject
	}
	if d.done[s.String()] >= s.times {
		return accept
	}
	d.done[s.String()]++
	if s.fate == deadly {
		return die
	}
	return release
}

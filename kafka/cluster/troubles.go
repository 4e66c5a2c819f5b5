package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/librdkafka"
)

// troubles are why brokers cannot be reached, by their address. librdkafka says so in events, and a question only ends
// with its time.
type troubles struct {
	mu sync.Mutex
	by map[string]trouble // guarded by mu. The empty address has what concerns all brokers
}

type trouble struct {
	sentence string
	vague    bool
	at       time.Time
}

// preciseTime is how long a cause stays when librdkafka tells less later. It tries again within ten seconds
// (reconnect.backoff.max.ms), and tells a broker's trouble now by its words and now by the end of the connection.
const preciseTime = 30 * time.Second

// note takes an error event. That all brokers are down says nothing that their own events do not say.
func (t *troubles) note(event librdkafka.Event) {
	if event.Code == librdkafka.AllBrokersDown {
		return
	}
	t.learn(kerr.Trouble(event.Text), time.Now())
}

func (t *troubles) learn(c kerr.Cause, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil || len(t.by) >= mostTroubles {
		t.by = map[string]trouble{}
	}
	if before, known := t.by[c.Broker]; known && c.Vague && !before.vague && now.Sub(before.at) < preciseTime {
		return
	}
	t.by[c.Broker] = trouble{c.Sentence, c.Vague, now}
}

// mostTroubles bounds the addresses that are remembered: brokers come and go.
const mostTroubles = 1000

// clear forgets all: a broker has answered.
func (t *troubles) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.by = nil
}

// text is the sentence about the first broker, with how many others there are; empty when there is none.
func (t *troubles) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.by) == 0 {
		return ""
	}
	first := slices.Min(slices.Collect(maps.Keys(t.by)))
	if others := len(t.by) - 1; first != "" && others > 0 {
		return fmt.Sprintf("%s (and %d more brokers have trouble)", t.by[first].sentence, others)
	}
	return t.by[first].sentence
}

// Trouble is a sentence that says why brokers cannot be reached, and of how many that is known. It is empty once one has
// answered.
func (c *Cluster) Trouble() (sentence string, brokers int) {
	_ = c.admin.Load().use(func(a *Admin) error {
		a.handle.Failures(a.troubles.note)
		sentence, brokers = a.troubles.text(), a.troubles.len()
		return errNotAsked
	})
	return sentence, brokers
}

// errNotAsked is no answer of a broker.
var errNotAsked = errors.New("nobody was asked")

func (t *troubles) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.by)
}

// because adds to a question's error why no broker could be reached, where that is known. A question that was answered ends
// the trouble.
func (a *Admin) because(err error) error {
	a.handle.Failures(a.troubles.note)
	switch {
	case err == nil:
		a.troubles.clear()
	case kerr.TimedOut(err):
		if why := a.troubles.text(); why != "" {
			return kerr.Because(err, why)
		}
	}
	return err
}

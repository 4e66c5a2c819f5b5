package operations

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
)

// place is one record of a topic.
type place struct {
	partition
	at int64
}

// groupBook is what the consumers of a group got and acknowledged, wherever they run.
type groupBook struct {
	group string

	mu       sync.Mutex
	rafka    map[string]bool     // the addresses where Rafka listens
	high     map[partition]int64 // the next offset that nobody has got
	done     map[place]bool      // acknowledged, and the answer was 1
	perhaps  map[place]bool      // the acknowledgement had no answer
	by       map[*rubyConsumer]map[string]int
	silence  time.Duration // the longest between two records, in this step
	last     time.Time
	received int            // records, in this step
	again    int            // of them, those that somebody had before and did not acknowledge
	behind   int            // of them, those that were acknowledged before: by Rafka's consumers alone
	late     int            // records whose acknowledgement was refused
	wrong    []string       // acknowledged records that came again, and records that came before their turn
	heard    map[string]int // what clients were told when they had to connect again
}

func newGroupBook(group string) *groupBook {
	return &groupBook{
		group: group, high: map[partition]int64{}, done: map[place]bool{}, by: map[*rubyConsumer]map[string]int{},
		last: time.Now(), heard: map[string]int{}, rafka: map[string]bool{}, perhaps: map[place]bool{},
	}
}

// got notes a record before it is acknowledged. In each partition the next record is the one behind the highest that
// anybody has got, or one that comes again. Rafka gives the records of a batch again after a rebalance within it, also where
// their acknowledgement was taken.
func (b *groupBook) got(r record, c *rubyConsumer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next, one := b.high[r.place], place{r.place, r.at}
	switch {
	case r.at > next:
		b.wrong = append(b.wrong, fmt.Sprintf("%s came when %d was next", r, next))
	case b.done[one] && b.rafka[c.addr]:
		b.behind++
	case b.done[one]:
		b.wrong = append(b.wrong, r.String()+" came again after it was acknowledged")
	case r.at < next:
		b.again++
	}
	b.high[r.place] = max(next, r.at+1)
	now := time.Now()
	b.silence, b.last = max(b.silence, now.Sub(b.last)), now
	b.received++
	if b.by[c] == nil {
		b.by[c] = map[string]int{}
	}
	b.by[c][c.addr]++
}

// What became of an acknowledgement.
const (
	ackTaken = iota
	ackDeclined
	ackUnanswered // the connection ended: it may have been taken
)

// settled notes what became of the records of a batch that one acknowledgement is for.
func (b *groupBook) settled(batch []record, last record, how int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range batch {
		switch one := (place{r.place, r.at}); {
		case r.place != last.place:
		case how == ackTaken:
			b.done[one] = true
		case how == ackUnanswered:
			b.perhaps[one] = true
		default:
			b.late++
		}
	}
}

// told notes why a client has to connect again.
func (b *groupBook) told(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard[reason(err)]++
}

// serves notes whether it is Rafka that listens at an address.
func (b *groupBook) serves(addr string, rafka bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rafka[addr] = rafka
}

// served is how many records a consumer got at an address.
func (b *groupBook) served(c *rubyConsumer, addr string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.by[c][addr]
}

// step begins another step, and returns what happened in the one before.
func (b *groupBook) step() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.silence = max(b.silence, time.Since(b.last))
	said := fmt.Sprintf("%s: %d records, %d again, %d again and acknowledged before, %d acknowledged too late, silent for %v at most",
		b.group, b.received, b.again, b.behind, b.late, b.silence.Round(time.Millisecond))
	b.received, b.again, b.behind, b.late, b.silence = 0, 0, 0, 0, 0
	return said
}

// missing is nil when everything up to the ends of the partitions is acknowledged, but for what had no answer.
func (b *groupBook) missing(topic string, ends []int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	missing := 0
	for p, end := range ends {
		for at := range end {
			if one := (place{partition{topic, int64(p)}, at}); !b.done[one] && !b.perhaps[one] {
				missing++
			}
		}
	}
	if missing > 0 {
		return fmt.Errorf("%s has not acknowledged %d records", b.group, missing)
	}
	return nil
}

// judge looks at all that was noted.
func (b *groupBook) judge(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wrong) > 0 {
		t.Errorf("%s: %d records came wrongly, among them %q", b.group, len(b.wrong), b.wrong[:min(5, len(b.wrong))])
	}
	if len(b.heard) > 0 {
		t.Logf("%s: its clients connected again because of %v; %d records had no answer to their acknowledgement", b.group, b.heard, len(b.perhaps))
	}
}

// produced is what producers sent, and what became of it.
type produced struct {
	times  map[string]int   // how often a value is in the log
	stages map[string]int64 // of the values that were answered
	old    int              // records behind a later one of their key, both of the same stage at Rafka
}

// judgeProduced looks at the log: each key is in one partition, in the order in which it was produced, and nothing is
// missing. Only what had lost its answer may be there twice. Rafka's producers are not idempotent: where brokers have them
// try again, they change the order by themselves, before the move or behind it.
func judgeProduced(t *testing.T, ctx context.Context, admin *harness.Admin, topic string, producers []*rubyProducer) {
	t.Helper()
	log, err := admin.Records(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	j := &produced{times: map[string]int{}, stages: map[string]int64{}}
	for _, p := range producers {
		maps.Copy(j.stages, p.stages)
	}
	last, home := map[string]string{}, map[string]int32{}
	for _, r := range log {
		key, value := string(r.Key), string(r.Value)
		j.times[value]++
		if p, known := home[key]; known && p != r.Partition {
			t.Fatalf("the key %s is in partitions %d and %d", key, p, r.Partition)
		}
		j.follows(t, value, last[key])
		last[key], home[key] = value, r.Partition
	}
	taken, twice := 0, 0
	for _, p := range producers {
		taken += len(p.taken)
		twice += j.complete(t, p)
	}
	t.Logf("%d records were answered, %d are in the log, %d of them twice; %d are out of order within Rafka's own part", taken, len(log), twice, j.old)
}

// follows checks that a value may be behind another one of its key.
func (j *produced) follows(t *testing.T, value, before string) {
	t.Helper()
	if before == "" || sequence(value) >= sequence(before) {
		return
	}
	if stage := j.stages[value]; stage == j.stages[before] && stage%2 == 0 {
		j.old++
		return
	}
	t.Errorf("%s is behind %s, of the stages %d and %d", value, before, j.stages[value], j.stages[before])
}

// complete checks that what a producer was answered is there, and returns how much is there twice.
func (j *produced) complete(t *testing.T, p *rubyProducer) (twice int) {
	t.Helper()
	for _, v := range p.taken {
		switch n := j.times[v]; {
		case n == 0:
			t.Errorf("%s was answered, and is not there", v)
		case n > 1 && !p.twice[v]:
			t.Errorf("%s was answered, and is there %d times", v, n)
		case n > 1:
			twice++
		}
	}
	return twice
}

// sequence is the number of a value among its producer's.
func sequence(value string) int {
	n, _ := strconv.Atoi(value[strings.LastIndexByte(value, '/')+1:])
	return n
}

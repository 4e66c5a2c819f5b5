package budget

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// store plays librdkafka for a budget: what is open and hungry is fetched, a batch at a time.
type store struct {
	*Budget
	t      *testing.T
	random *rand.Rand
	lanes  []*storedLane
	most   int64                  // held at any moment
	gate   int64                  // so much may be held before an answer is held back; 0 is any
	back   map[*Subscription]bool // whose answer is held back
}

// storedLane is one partition of it.
type storedLane struct {
	*Partition
	batch   int // records
	backlog int // records that are still with the broker
	n       int
	taken   int
	unseen  bool // nobody knows yet that there is a backlog
}

const storedRecord = 100 // bytes

func newStore(t *testing.T, limit int64, seed uint64) *store {
	return &store{Budget: &Budget{limit: limit}, back: map[*Subscription]bool{}, t: t, random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a test
}

// group adds a subscription with partitions of a topic.
func (s *store) group(topic string, partitions, batch, backlog int) *Subscription {
	c := s.AddSubscription(func() {})
	for range partitions {
		s.lanes = append(s.lanes, &storedLane{Partition: s.Add(c, topic), batch: batch, backlog: backlog})
	}
	return c
}

const storedLeast = 1000 // queued.min.messages

// fetch lets some of what may be fetched come.
func (s *store) fetch() {
	for _, i := range s.random.Perm(len(s.lanes)) {
		l := s.lanes[i]
		if l.open && l.n < storedLeast && l.backlog > 0 && s.random.IntN(3) > 0 {
			s.answer(l, min(l.batch, l.backlog))
		}
		if s.random.IntN(4) == 0 {
			s.see(l.subscription, false)
		}
	}
}

// answer brings a batch, or holds it back.
func (s *store) answer(l *storedLane, n int) {
	if s.gate > 0 && s.inMemory()+int64(n)*(opOverhead+storedRecord) > s.gate {
		s.back[l.subscription] = true
		return
	}
	l.n, l.backlog, l.unseen = l.n+n, l.backlog-n, false
}

// consume lets a subscription's members take up to n records.
func (s *store) consume(c *Subscription, n int) (took int) {
	for _, l := range s.lanes {
		if l.subscription == c {
			k := min(n-took, l.n)
			l.n, l.taken, took = l.n-k, l.taken+k, took+k
		}
	}
	return took
}

// see is a look of a subscription. What it finds closed it empties, or drops.
func (s *store) see(c *Subscription, tick bool) {
	took := false
	for _, l := range s.lanes {
		if l.subscription != c {
			continue
		}
		s.Observe(l.Partition, Observation{
			Records: l.n, AverageBytes: storedRecord, Taken: l.taken > 0, Hungry: l.n < storedLeast, Idle: l.n == 0 && (l.backlog == 0 || l.unseen),
		})
		took, l.taken = took || l.taken > 0, 0
	}
	if tick {
		s.Tick(c)
	}
	if s.back[c] {
		s.Refuse(c)
		delete(s.back, c)
	}
	s.Decide(c, c.waiting, took)
	for _, l := range s.lanes {
		if l.subscription == c && !l.open && l.n > 0 {
			if l.n >= storedLeast {
				l.backlog += l.n // fetched again
			} else {
				l.taken += l.n
			}
			l.n = 0
		}
	}
	s.most = max(s.most, s.inMemory())
}

func (s *store) inMemory() (bytes int64) {
	for _, l := range s.lanes {
		bytes += int64(l.n) * (opOverhead + storedRecord)
	}
	return bytes
}

func (s *store) round(rates map[*Subscription]int) {
	s.fetch()
	for _, c := range s.subscriptions {
		took := s.consume(c, rates[c])
		c.waiting = rates[c] > 0 && took < rates[c]
		s.see(c, true)
	}
}

// Fifty groups that each wait for records of large batches all get them, of all of their partitions, and never take
// much more than the limit.
func TestNobodyStarvesForMemory(t *testing.T) {
	const limit = 64 << 20
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newStore(t, limit, seed)
			rates := map[*Subscription]int{}
			for range 50 {
				c := s.group("large", 1+s.random.IntN(12), 10_000, 20_000)
				c.waiting = true
				rates[c] = 2_000
			}
			rounds := 0
			for ; s.left() > 0 && rounds < 20_000; rounds++ {
				s.round(rates)
			}
			if left := s.left(); left > 0 {
				t.Fatalf("%d records never came; closed %d, held %d, used %d", left, s.Closed(), s.Held(), s.used)
			}
			if s.most > limit*5/4 {
				t.Errorf("%d bytes were held, of %d", s.most, limit)
			}
		})
	}
}

func (s *store) left() (n int) {
	for _, l := range s.lanes {
		n += l.backlog + l.n
	}
	return n
}

// Fifty groups wait at the end of their logs when large batches are written to all partitions at once: all records come,
// and never is much more held than answers are held back for.
func TestABurstForThoseWhoWaitIsHeldBack(t *testing.T) {
	const limit = 64 << 20
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newStore(t, limit, seed)
			s.gate = limit + limit/4
			rates := map[*Subscription]int{}
			for range 50 {
				c := s.group("large", 12, 10, 10)
				c.waiting, rates[c] = true, 2_000
			}
			for range 200 {
				s.round(rates)
			}
			if s.left() > 0 || s.Closed() > 0 {
				t.Fatalf("%d records are left, %d partitions closed before the burst", s.left(), s.Closed())
			}
			for _, l := range s.lanes {
				l.batch, l.backlog, l.unseen = 10_000, 20_000, true
			}
			for rounds := 0; s.left() > 0 && rounds < 20_000; rounds++ {
				s.round(rates)
			}
			if left := s.left(); left > 0 {
				t.Fatalf("%d records never came; closed %d, held %d, used %d", left, s.Closed(), s.Held(), s.used)
			}
			if s.most > s.gate {
				t.Errorf("%d bytes were held, of %d", s.most, s.gate)
			}
		})
	}
}

// A group that takes nothing any more does not keep another waiting for ever.
func TestWhoRestsGivesMemoryBack(t *testing.T) {
	s := newStore(t, 64<<20, 1)
	rates := map[*Subscription]int{}
	for range 20 {
		s.group("large", 12, 10_000, 100_000).waiting = true
	}
	for range 100 {
		s.round(rates)
	}
	last := s.group("large", 1, 10_000, 10_000)
	rates[last] = 1_000
	for range 1_000 {
		s.round(rates)
	}
	if l := s.lanes[len(s.lanes)-1]; l.backlog+l.n > 0 {
		t.Errorf("%d records never came: held %d, used %d, closed %d", l.backlog+l.n, s.Held(), s.used, s.Closed())
	}
}

// While all fits nothing is ever closed, but for the moment in which the cost of a topic is found out.
func TestWithPlentyOfMemoryAllIsOpen(t *testing.T) {
	s := newStore(t, 320<<20, 1)
	rates := map[*Subscription]int{}
	for g := range 10 {
		rates[s.group(fmt.Sprint("topic-", g%5), 6, 100, 1_000_000)] = 500
	}
	for range 5 {
		s.round(rates)
	}
	for range 1_000 {
		s.round(rates)
		if n := s.Closed(); n > 0 {
			t.Fatalf("%d are closed, with %d of %d used", n, s.used, s.Limit())
		}
	}
}

// What a batch costs is found out by one group alone: one of them may be all that there is room for.
func TestOneGroupFindsOutWhatABatchCosts(t *testing.T) {
	s := newStore(t, 320<<20, 1)
	for range 10 {
		s.group("unknown", 1, 2_000_000, 2_000_000).waiting = true
	}
	open := 0
	for _, l := range s.lanes {
		if l.open {
			open++
		}
	}
	if open != 1 {
		t.Fatalf("%d are open before anything is known, want 1", open)
	}
	rates := map[*Subscription]int{}
	for _, c := range s.subscriptions {
		rates[c] = 100_000
	}
	for s.left() > 0 {
		s.round(rates)
		two := 0
		for _, l := range s.lanes {
			if l.n > 100_000 {
				two++
			}
		}
		if two > 1 {
			t.Fatal("two such batches are held at a time")
		}
	}
}

// Groups that take little of what they hold do not keep others from having a turn.
func TestEveryGroupHasItsTurnSoon(t *testing.T) {
	s := newStore(t, 64<<20, 1)
	rates := map[*Subscription]int{}
	for range 50 {
		c := s.group("large", 4, 30_000, 10_000_000)
		c.waiting, rates[c] = true, 1
	}
	got := map[*Subscription]bool{}
	for range 2_000 {
		s.round(rates)
		for _, l := range s.lanes {
			got[l.subscription] = got[l.subscription] || l.n > 0
		}
	}
	if len(got) != 50 {
		t.Errorf("%d groups were seen", len(got))
	}
	for c, had := range got {
		if !had {
			t.Errorf("group %p had nothing", c)
		}
	}
}

package operations

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

const (
	prices          = "price_drops"
	pricePartitions = 6
	crewSize        = 3
)

// What docs/rafka.md has sluice configured with, as long as it shares groups with Rafka.
var besideRafka = []string{
	"consume: {linger: 1s}",
	"kafka:",
	"  producer: {partitioner: consistent_random}",
	"  consumer: {partition.assignment.strategy: 'range,roundrobin'}",
}

// quickRafka is as Rafka's sample file, with shorter intervals: a step of the move takes a heartbeat.
var quickRafka = binding.ConfigMap{
	"auto.offset.reset": "earliest", "session.timeout.ms": 6000, "heartbeat.interval.ms": 200, "auto.commit.interval.ms": 10000,
}

// The move from Rafka to sluice and back, step by step as docs/rafka.md has it, while producers and consumers work all the
// time: nothing is lost, all is in order, and only what a consumer had in its hands when its group moved comes again.
func TestTheMoveFromRafkaAndBack(t *testing.T) {
	t.Parallel()
	cluster := harnesstest.Fake(t, harness.FakeOptions{})
	playMove(t, harnesstest.Within(t, 2*time.Minute), cluster.Brokers(), cluster.Admin, quickRafka)
}

// sluice takes over Rafka's port, and Rafka takes it back, under load: clients connect again.
func TestThePortMovesFromRafkaAndBack(t *testing.T) {
	t.Parallel()
	cluster := harnesstest.Fake(t, harness.FakeOptions{})
	playPort(t, harnesstest.Within(t, 2*time.Minute), cluster.Brokers(), cluster.Admin, quickRafka)
}

func playMove(t *testing.T, ctx context.Context, brokers []string, admin *harness.Admin, rafka binding.ConfigMap) {
	t.Helper()
	m := newRafkaMove(t, ctx, brokers, admin, rafka, "whole", "single")
	old, whole, single := m.old.addr, m.crews[0], m.crews[1]
	m.begin(old)
	m.sluice = start(t, ctx, harness.SluiceOptions{Brokers: brokers, Args: []string{"--config", harnesstest.Config(t, besideRafka...)}})
	here := m.sluice.Addr

	m.step("produce at sluice", func() { m.moveProducers(here) })
	m.step("a whole group to sluice", func() { m.moveWhole(whole, here) })
	m.step("consumers to sluice, one by one", func() { m.moveSingly(single, here) })
	m.step("all at sluice", func() { m.goOn() })
	m.step("consumers back to Rafka, one by one", func() { m.moveSingly(single, old) })
	m.step("a whole group back to Rafka", func() { m.moveWhole(whole, old) })
	m.step("produce at Rafka", func() { m.moveProducers(old) })
	m.finish()
}

func playPort(t *testing.T, ctx context.Context, brokers []string, admin *harness.Admin, rafka binding.ConfigMap) {
	t.Helper()
	m := newRafkaMove(t, ctx, brokers, admin, rafka, "whole")
	addr, crew := m.old.addr, m.crews[0]
	m.begin(addr)
	served := func(do func()) {
		before := map[*rubyConsumer]int{}
		for _, c := range crew.consumers {
			before[c] = crew.book.served(c, addr)
		}
		do()
		for _, c := range crew.consumers {
			m.await(crew, c, before[c]+handInHand)
		}
	}
	m.step("sluice takes the port", func() {
		served(func() {
			m.old.terminate()
			m.nextStage(false)
			m.sluice = start(t, ctx, harness.SluiceOptions{
				Addr: addr, Brokers: brokers, Args: []string{"--config", harnesstest.Config(t, besideRafka...)},
			})
		})
	})
	m.step("Rafka takes it back", func() {
		served(func() {
			if status, err := m.sluice.Stop(ctx); status != 0 || err != nil {
				t.Errorf("sluice stopped with %d, %v", status, err)
			}
			m.sluice = nil
			m.nextStage(true)
			m.old = startRafka(t, addr, brokers, rafka)
		})
	})
	m.finish()
}

// handInHand is how many records show that a consumer works: more than it may have got before its server had gone.
const handInHand = 5

// crew is the consumers of a group.
type crew struct {
	book      *groupBook
	consumers []*rubyConsumer
}

// rafkaMove is a team that runs Rafka with rafka-rb, and moves to sluice.
type rafkaMove struct {
	t         *testing.T
	ctx       context.Context //nolint:containedctx // of one test
	admin     *harness.Admin
	old       *playedRafka
	sluice    *harness.Sluice
	crews     []*crew
	producers []*rubyProducer
	loading   sync.WaitGroup
	unload    context.CancelFunc
}

func newRafkaMove(t *testing.T, ctx context.Context, brokers []string, admin *harness.Admin, rafka binding.ConfigMap, groups ...string) *rafkaMove {
	t.Helper()
	harnesstest.Topic(t, ctx, admin, prices, pricePartitions)
	m := &rafkaMove{t: t, ctx: ctx, admin: admin, old: startRafka(t, harnesstest.FreeAddr(t), brokers, rafka)}
	for g, group := range groups {
		c := &crew{book: newGroupBook(group)}
		c.book.serves(m.old.addr, true)
		for i := range crewSize {
			c.consumers = append(c.consumers, &rubyConsumer{
				book: c.book, id: fmt.Sprintf("host-%d", i), key: "topics:" + prices, number: 10*g + i, batch: 1,
			})
		}
		c.consumers[0].batch = 10 // consume_batch
		m.crews = append(m.crews, c)
	}
	for i := range 3 {
		m.producers = append(m.producers, newRubyProducer(i, prices))
	}
	return m
}

// begin puts everything under load at Rafka.
func (m *rafkaMove) begin(addr string) {
	m.t.Helper()
	loading, stop := context.WithCancel(m.ctx)
	m.unload = stop
	m.t.Cleanup(func() {
		stop()
		m.loading.Wait()
	})
	for _, p := range m.producers {
		m.loading.Go(func() {
			if err := p.run(loading, addr); err != nil && m.ctx.Err() == nil {
				m.t.Error(err)
			}
		})
	}
	m.step("begin at Rafka", func() {
		for _, crew := range m.crews {
			m.startAll(crew, addr)
		}
		for _, crew := range m.crews {
			m.awaitAll(crew)
		}
	})
}

// step does one step of the page, and logs what it cost.
func (m *rafkaMove) step(name string, do func()) {
	m.t.Helper()
	for _, crew := range m.crews {
		crew.book.step()
	}
	begun, before, moved := time.Now(), m.old.assignments.Load(), m.rebalances()
	do()
	m.t.Logf("%s: %v, %d assignments at Rafka, %v rebalances at sluice", name, time.Since(begun).Round(time.Millisecond),
		m.old.assignments.Load()-before, m.rebalances()-moved)
	for _, crew := range m.crews {
		m.t.Log("    " + crew.book.step())
	}
	if m.t.Failed() {
		m.t.FailNow()
	}
}

func (m *rafkaMove) rebalances() float64 {
	if m.sluice == nil {
		return 0
	}
	return harnesstest.Scrape(m.t, m.ctx, m.sluice).Sum("sluice_rebalances_total")
}

func (m *rafkaMove) moveProducers(to string) {
	for _, p := range m.producers {
		p.move(m.ctx, to)
	}
}

// nextStage notes that another server answers at Rafka's address from now on.
func (m *rafkaMove) nextStage(rafka bool) {
	for _, crew := range m.crews {
		crew.book.serves(m.old.addr, rafka)
	}
	for _, p := range m.producers {
		p.stage.Add(1)
	}
}

// moveWhole stops all consumers of a group, waits until Kafka counts no member, and starts them at the other address.
func (m *rafkaMove) moveWhole(crew *crew, to string) {
	m.t.Helper()
	var ending sync.WaitGroup
	for _, c := range crew.consumers {
		ending.Go(c.end)
	}
	ending.Wait()
	harnesstest.Until(m.t, m.ctx, func(ctx context.Context) error {
		_, members, err := m.admin.Members(ctx, crew.book.group)
		if err == nil && members > 0 {
			err = fmt.Errorf("%s has %d members", crew.book.group, members)
		}
		return err
	})
	m.startAll(crew, to)
	m.awaitAll(crew)
}

// moveSingly stops one consumer and starts it at the other address, then the next.
func (m *rafkaMove) moveSingly(crew *crew, to string) {
	m.t.Helper()
	for _, c := range crew.consumers {
		c.end()
		before := crew.book.served(c, to)
		c.start(m.t, m.ctx, to)
		m.await(crew, c, before+1)
	}
}

// goOn waits for some more records.
func (m *rafkaMove) goOn() {
	for _, crew := range m.crews {
		for _, c := range crew.consumers {
			m.await(crew, c, crew.book.served(c, c.addr)+100)
		}
	}
}

func (m *rafkaMove) startAll(crew *crew, addr string) {
	for _, c := range crew.consumers {
		c.start(m.t, m.ctx, addr)
	}
}

// awaitAll waits until every consumer has got records where it runs now.
func (m *rafkaMove) awaitAll(crew *crew) {
	m.t.Helper()
	for _, c := range crew.consumers {
		m.await(crew, c, crew.book.served(c, c.addr)+1)
	}
}

// await waits until a consumer has got so many records where it runs now.
func (m *rafkaMove) await(crew *crew, c *rubyConsumer, want int) {
	m.t.Helper()
	harnesstest.Until(m.t, m.ctx, func(context.Context) error {
		if got := crew.book.served(c, c.addr); got < want {
			return fmt.Errorf("%s:%s has got %d of %d records at %s", crew.book.group, c.id, got, want, c.addr)
		}
		return nil
	})
}

// finish ends the load, waits until all is done, and judges.
func (m *rafkaMove) finish() {
	m.t.Helper()
	m.unload()
	m.loading.Wait()
	ends, err := m.admin.EndOffsets(m.ctx, prices)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, crew := range m.crews {
		harnesstest.Until(m.t, m.ctx, func(context.Context) error { return crew.book.missing(prices, ends) })
		for _, c := range crew.consumers {
			c.end()
		}
		crew.book.judge(m.t)
	}
	m.old.terminate()
	for _, crew := range m.crews {
		for p, end := range ends {
			at, err := m.admin.Committed(m.ctx, crew.book.group, prices, int32(p))
			if err != nil || at != end {
				m.t.Errorf("%s has committed %d of %d in partition %d: %v", crew.book.group, at, end, p, err)
			}
		}
	}
	judgeProduced(m.t, m.ctx, m.admin, prices, m.producers)
}

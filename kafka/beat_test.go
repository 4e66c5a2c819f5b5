package kafka

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	wireerr "github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// pulse watches the loops of a client, as a watchdog does. Its clock stands still while the machine gives this process no
// turn: then no loop gets one either.
type pulse struct {
	ticks atomic.Int64

	mu    sync.Mutex
	loops map[string]*loop
}

const pulseTick = 10 * time.Millisecond

func newPulse(t *testing.T) *pulse {
	p := &pulse{loops: map[string]*loop{}}
	ticker, end := time.NewTicker(pulseTick), make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		for {
			select {
			case <-ticker.C:
				p.ticks.Add(1)
			case <-end:
				return
			}
		}
	})
	t.Cleanup(func() {
		ticker.Stop()
		close(end)
		clock.Wait()
	})
	return p
}

func (p *pulse) now() time.Duration { return time.Duration(p.ticks.Load()) * pulseTick }

type loop struct {
	running int
	beats   int
	gap     time.Duration // what was announced
	longest time.Duration // between two beats of one goroutine
}

func (p *pulse) register(name string, gap time.Duration) (beat, end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.loops[name]
	if l == nil {
		l = &loop{}
		p.loops[name] = l
	}
	l.gap = gap
	l.running++
	last := p.now()
	return func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.beats++
			l.longest = max(l.longest, p.now()-last)
			last = p.now()
		}, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			l.running--
			l.longest = max(l.longest, p.now()-last)
		}
}

func (p *pulse) of(name string) loop {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.loops[name]; l != nil {
		return *l
	}
	return loop{}
}

// running lists the loops that have not ended.
func (p *pulse) running() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.loops)) {
		if p.loops[name].running > 0 {
			names = append(names, name)
		}
	}
	return names
}

// wantInTime fails when a loop was silent for longer than it had announced.
func (p *pulse) wantInTime(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, l := range p.loops {
		if l.longest > l.gap || l.gap < time.Second || l.beats == 0 {
			t.Errorf("%s beat %d times, was silent for %v and announced %v", name, l.beats, l.longest, l.gap)
		}
	}
}

func TestEveryLoopBeatsAsLongAsItRuns(t *testing.T) {
	t.Parallel()
	p := newPulse(t)
	_, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Register = p.register })
	join(t, c, "a", topicsOf("letters"))
	want := []string{"lag", "producer:buffered", "producer:delivered", "subscription:group", "topics"}
	kafkatest.Eventually(t, "all loops", func() bool { return slices.Equal(p.running(), want) })
	for _, name := range want {
		before := p.of(name).beats
		kafkatest.Eventually(t, "another beat of "+name, func() bool { return p.of(name).beats > before+1 })
	}
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string(nil), p.running()); diff != "" {
		t.Errorf("still running (-want +got):\n%s", diff)
	}
	p.wantInTime(t)
}

// Neither brokers that are away nor brokers that never answer may keep a loop from beating.
func TestLoopsBeatWithoutBrokers(t *testing.T) {
	t.Parallel()
	silent := kafkatest.Brokers(t)
	silent.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		silent.KeepControl()
		return nil, nil, true
	})
	for name, brokers := range map[string][]string{"away": {"127.0.0.1:1"}, "silent": silent.ListenAddrs()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPulse(t)
			c := openOn(t, brokers, func(cfg *config.Config) { cfg.Register = p.register })
			bufferThree(t, c)
			join(t, c, "a", topicsOf("letters"))
			kafkatest.Eventually(t, "a question that nobody answered", func() bool { return p.of("lag").longest > cluster.TurnTime/2 })
			before := p.of("lag").beats
			kafkatest.Eventually(t, "the next question", func() bool { return p.of("lag").beats > before+2 })
			_ = shut(c, time.Second)
			p.wantInTime(t)
		})
	}
}

func TestLoopsBeatWhileAProducerIsReplaced(t *testing.T) {
	t.Parallel()
	p := newPulse(t)
	k, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Register = p.register })
	caller := newCaller(t, c)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: wireerr.OutOfOrderSequenceNumber})
	wantOutcome(t, caller.deliver(t, "letters", []byte("x")), record.Unknown)
	kafkatest.Eventually(t, "the new producer", func() bool { return caller.deliver(t, "letters", []byte("x")) == nil })
	kafkatest.Eventually(t, "the end of the old one", func() bool { return p.of("producer:delivered").running == 1 })
	p.wantInTime(t)
}

// A beat means progress: a loop that is stuck has none.
func TestALoopThatIsStuckDoesNotBeat(t *testing.T) {
	t.Parallel()
	p := newPulse(t)
	_, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Register = p.register })
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 1)
	w.sub.mu.Lock()
	stuck := p.of("subscription:group").beats
	other := p.of("producer:delivered").beats
	kafkatest.Eventually(t, "others to go on", func() bool { return p.of("producer:delivered").beats > other })
	now := p.of("subscription:group").beats
	w.sub.mu.Unlock()
	if now > stuck+1 {
		t.Errorf("beat %d times while it was stuck", now-stuck)
	}
	kafkatest.Eventually(t, "it to go on", func() bool { return p.of("subscription:group").beats > now })
}

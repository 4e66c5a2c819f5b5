package producer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
	"github.com/sluice-proxy/sluice/kafka/record"
)

// produceVaried has a session produce n records with numbers of its own, each as some client might: small and large ones,
// with and without details, and pushed now and then. It returns how many of its records failed.
func produceVaried(ps *Producers, session, n int, send func(*caller, Outgoing) error) (failed int, err error) {
	woken := kafkatest.NewBell()
	p, err := ps.Publisher(woken.Ring)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	for i := range n {
		out := Outgoing{Topic: "letters", Partition: AnyPartition, Value: fmt.Appendf(nil, "%d %d ", session, i)}
		switch rand.N(20) {
		case 0:
			out.Value = append(out.Value, make([]byte, sessionBatchBytes+1)...)
		case 1:
			out.Headers = []record.Header{header("a", []byte("b"))}
		case 2:
			p.Push()
		}
		for err = send(&caller{p, woken}, out); errors.Is(err, kerr.ErrFull); err = send(&caller{p, woken}, out) {
			p.Push()
			select { // as sessions do: nobody is woken for room in the queue
			case <-woken:
			case <-time.After(time.Millisecond):
			}
		}
		if err != nil {
			return failed, err
		}
	}
	for !p.Drained(0) {
		<-woken
	}
	return p.TakeFailed(), nil
}

// wantOrder runs some sessions at once, and makes sure that the log has all of their records, each once and in order,
// after those that are in it before.
func wantOrder(t *testing.T, k *kfake.Cluster, properties config.Properties, before int, send func(*caller, Outgoing) error) {
	t.Helper()
	const sessions, each = 8, 300
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Producer = properties })
	fill(t, ps, "letters", before)
	var group sync.WaitGroup
	for session := range sessions {
		group.Go(func() {
			if failed, err := produceVaried(ps, session, each, send); err != nil || failed > 0 {
				t.Errorf("session %d: %d failed, %v", session, failed, err)
			}
		})
	}
	group.Wait()
	allEnded(t, ps, int64(before+sessions*each))
	var next [sessions]int
	for _, r := range kafkatest.Read(t, k, "letters", before+sessions*each)[before:] {
		var session, i int
		if _, err := fmt.Fscan(bytes.NewReader(r.Value), &session, &i); err != nil {
			t.Fatal(err)
		}
		if next[session] != i {
			t.Fatalf("session %d: record %d comes where %d should", session, i, next[session])
		}
		next[session]++
	}
}

func TestManySessionsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for name, properties := range map[string]config.Properties{
		"with room":    {},
		"without room": {"queue.buffering.max.messages": "20"},
	} {
		for door, send := range map[string]func(*caller, Outgoing) error{
			"delivered": func(p *caller, out Outgoing) error { return p.Send(out) },
			"buffered":  func(p *caller, out Outgoing) error { return p.SendBuffered(out) },
		} {
			for gate, before := range map[string]int{"": 1, " at the gate": 0} {
				t.Run(door+" "+name+gate, func(t *testing.T) {
					t.Parallel()
					k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
					wantOrder(t, k, properties, before, send)
				})
			}
		}
	}
}

// What waits for reports waits no longer than for them, or for a moment.
func TestRecordsWaitWhileOthersAreUnderway(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), shortly)
	p := newCaller(t, ps)
	wantOutcome(t, p.deliver(t, "letters", []byte("x")), record.OK)
	heard := kafkatest.Mute(k)
	a := ps.delivered.accumulator
	for range fewUnderway {
		p.push(t, "x")
	}
	kafkatest.Await(t, heard, "a produce request")
	if n := a.held.Load(); n != 0 {
		t.Errorf("%d bytes wait for nothing", n)
	}
	kafkatest.Eventually(t, "a timer that is not running", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.timerRuns { // for the first record, which came from the gate
			return false
		}
		a.timerRuns = true // nor will it: a moment is over soon, on a busy machine
		return true
	})
	p.push(t, "y")
	if a.held.Load() == 0 || a.ready() {
		t.Error("nothing waits")
	}
	a.onTimer()
	if n := a.held.Load(); n != 0 {
		t.Errorf("%d bytes wait when the time is over", n)
	}
	wantOutcome(t, p.outcomes(t, fewUnderway+1), record.Unknown)
}

// push delivers one record without waiting for it.
func (c *caller) push(t *testing.T, value string) {
	t.Helper()
	if err := c.Deliver([]byte("letters"), nil, []byte(value)); err != nil {
		t.Fatal(err)
	}
	c.Push()
}

// Records that do not linger go before the answers, the others after them: with others under way they linger.
func TestHastenIsForWhatDoesNotLinger(t *testing.T) {
	t.Parallel()
	for linger, left := range map[string]int{"": 1, "10": 1, "0": 0, "0.0": 0} {
		t.Run("linger.ms="+linger, func(t *testing.T) {
			t.Parallel()
			k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
			ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
				shortly(cfg)
				if linger != "" {
					cfg.Profiles = map[string]config.Properties{config.Buffered: {"linger.ms": linger}}
				}
			})
			fill(t, ps, "letters", 1)
			p := newCaller(t, ps)
			defer p.Close()
			heard := kafkatest.Mute(k)
			for _, left := range []int{0, left} {
				if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
					t.Fatal(err)
				}
				p.PushWithoutLinger()
				if n := p.toBuffer.records; n != left {
					t.Errorf("%d records have not been pushed, want %d", n, left)
				}
			}
			kafkatest.Await(t, heard, "the first record")
		})
	}
}

// A record that is alone does not linger, however it comes, and neither do the few that come while it is under way. All
// but the first would have to linger for longer than the test lasts.
func TestALoneRecordDoesNotLinger(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) {
		cfg.Profiles = map[string]config.Properties{config.Buffered: {"linger.ms": "5000"}}
	})
	p, within := newCaller(t, ps), time.After(kafkatest.Patience)
	small, large := []byte("x"), make([]byte, 2*sessionBatchBytes)
	send := func(out Outgoing) {
		if err := p.SendBuffered(out); err != nil {
			t.Fatal(err)
		}
		p.Push()
	}
	await := func() {
		for !p.Drained(0) {
			select {
			case <-p.woken:
			case <-within:
				t.Fatal("records linger")
			}
		}
	}
	for i := range 40 {
		for _, out := range []Outgoing{
			{Topic: "letters", Partition: AnyPartition, Value: small}, // at the gate, the first time
			{Topic: "letters", Partition: AnyPartition, Value: large},
			{Topic: "letters", Partition: 0, Value: small},
		} {
			send(out)
			if i%2 == 0 {
				await()
			}
		}
		await()
	}
	if n := p.TakeFailed(); n != 0 {
		t.Errorf("%d records failed", n)
	}
}

// A session that leaves at once has its records sent all the same.
func TestWhatWasGatheredGoesWithItsSession(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), nil)
	fill(t, ps, "letters", 1)
	p := newCaller(t, ps)
	for range 3 {
		if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	kafkatest.Eventually(t, "their end", func() bool { return ps.Counts().Pending == 0 })
	allEnded(t, ps, 4)
}

// Records for which librdkafka has no room end with the client, as the others do.
func TestWhatWaitsEndsWithTheClient(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	ps := openOn(t, k.ListenAddrs(), func(cfg *config.Config) { cfg.Producer = config.Properties{"queue.buffering.max.messages": "2"} })
	wantOutcome(t, newCaller(t, ps).deliver(t, "letters", []byte("x")), record.OK)
	heard := kafkatest.Mute(k)
	p := newCaller(t, ps)
	for range 5 {
		if err := p.Buffer([]byte("letters"), nil, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	p.Push()
	kafkatest.Await(t, heard, "a produce request")
	if ps.buffered.accumulator.held.Load() == 0 {
		t.Error("nothing waits")
	}
	if n, err := shut(ps, time.Second); n != 5 || err != nil {
		t.Errorf("%d records are undelivered, want 5; %v", n, err)
	}
	allEnded(t, ps, 6)
	if n := p.TakeFailed(); n != 5 {
		t.Errorf("%d records failed, want 5", n)
	}
}

package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/kerr"
)

// postOffice takes the dead letters of an engine. The real one is in package kafka.
type postOffice struct {
	mu      sync.Mutex
	letters []failures.Letter
	refuses error         // what writing ends with
	closed  error         // what Ensure returns
	holds   chan struct{} // nil: a letter is written at once; else when the channel is closed
}

func (p *postOffice) write(l failures.Letter, done func(error)) {
	p.mu.Lock()
	err, holds := p.refuses, p.holds
	p.mu.Unlock()
	go func() {
		if holds != nil {
			<-holds
		}
		if err == nil {
			p.mu.Lock()
			p.letters = append(p.letters, l)
			p.mu.Unlock()
		}
		done(err)
	}()
}

func (p *postOffice) ensure(context.Context, string, string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *postOffice) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *postOffice) written() []failures.Letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.letters)
}

// failingOn is an engine with a policy for everything, before a cluster with n records in the topic letters.
func failingOn(t *testing.T, n int, p failures.Policy) (*kfake.Cluster, *engine, *postOffice) {
	t.Helper()
	office := &postOffice{}
	k, c := lettersOn(t, n, func(cfg *config.Config) {
		cfg.Failures = policyOf(p)
	})
	c.groupsPart.deadLetters = DeadLetters{Write: office.write, Ensure: office.ensure}
	return k, c, office
}

// patient is a policy that tries records again soon, and gives them up after two more tries.
func patient() failures.Policy {
	return failures.Policy{
		Backoff: 10 * time.Millisecond, Multiplier: 1, MaxBackoff: 20 * time.Millisecond, MaxRetries: 2,
		DeadLetter: failures.DeadLetter{Auto: true},
	}
}

func TestAPoisonRecordIsGivenUpAfterItsRetries(t *testing.T) {
	t.Parallel()
	k, c, office := failingOn(t, 3, patient())
	w := join(t, c, "a", topicsOf("letters"))
	for attempt := 1; attempt <= 3; attempt++ {
		d := w.next(t, 1)[0]
		if d.Offset != 0 || d.Attempt != attempt {
			t.Fatalf("lent %d, attempt %d; want 0, attempt %d", d.Offset, d.Attempt, attempt)
		}
		if !w.Fail(letters, 0, failures.Failure{Class: "Timeout", Message: "lock wait"}, ByPolicy) {
			t.Fatal("not held")
		}
	}
	wantTaken(t, w.take(t, 2), 1, 2)
	all := office.written()
	if len(all) != 1 {
		t.Fatalf("%d letters", len(all))
	}
	l := all[0]
	if l.Topic != "dlq.letters.group" || l.Source.Offset != 0 || l.Attempts != 3 || l.Failure.Reason != failures.RetriesExhausted ||
		l.Failure.Class != "Timeout" || l.Client != "a" || l.First.IsZero() {
		t.Errorf("the letter is %+v", l)
	}
	w.AcceptThrough(letters, 2)
	committed(t, k, "letters", 3)
	wantLeasesBalanced(t, c)
	if dead := c.Dead(); len(dead) != 1 || dead[0] != (DeadCount{"group", "letters", "Timeout", 1}) {
		t.Errorf("dead are %+v", dead)
	}
}

// The record is settled after its letter is written, and not before.
func TestARejectionIsDoneWhenItsLetterIsWritten(t *testing.T) {
	t.Parallel()
	k, c, office := failingOn(t, 2, patient())
	office.holds = make(chan struct{})
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 2), 0, 1)
	done := make(chan error, 2)
	if held, err := w.Reject(letters, 0, failures.Failure{Class: "Bad"}, func(err error) { done <- err }); !held || err != nil {
		t.Fatal(held, err)
	}
	if held, err := w.Reject(letters, 0, failures.Failure{}, nil); held || err != nil {
		t.Errorf("a second rejection: %v %v", held, err)
	}
	w.Accept(letters, 1)
	kafkatest.Eventually(t, "the letter to be under way", func() bool {
		return everywhere(c, func(s *subscription) bool { return s.failing.writing == 1 })
	})
	select {
	case <-done:
		t.Fatal("done before the letter is written")
	default:
	}
	if l := w.sub.dispatch.Ledger(letters); l.Position() > 0 {
		t.Fatal("settled before the letter is written")
	}
	close(office.holds)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	committed(t, k, "letters", 2)
	if l := office.written()[0]; l.Failure.Reason != failures.Rejected || l.Attempts != 1 {
		t.Errorf("the letter is %+v", l)
	}
	wantLeasesBalanced(t, c)
}

func TestWithoutDeadLettersNothingIsRejected(t *testing.T) {
	t.Parallel()
	_, c, _ := failingOn(t, 1, failures.Policy{MaxRetries: failures.Unlimited})
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	if held, err := w.Reject(letters, 0, failures.Failure{}, nil); held || !errors.Is(err, kerr.ErrNoDeadLetters) {
		t.Errorf("%v %v", held, err)
	}
	if !w.Owes(letters, 0) {
		t.Error("the record is gone")
	}
}

func TestDroppedRecordsAreCounted(t *testing.T) {
	t.Parallel()
	p := patient()
	p.MaxRetries, p.DeadLetter = 0, failures.DeadLetter{Skip: true}
	k, c, office := failingOn(t, 2, p)
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	w.Fail(letters, 0, failures.Failure{}, ByPolicy)
	wantTaken(t, w.take(t, 1), 1)
	w.Accept(letters, 1)
	committed(t, k, "letters", 2)
	if n, rows := len(office.written()), c.Consumed(); n != 0 || rows[0].Dead != 1 {
		t.Errorf("%d letters, %+v", n, rows)
	}
}

// A letter that cannot be written holds its partition, says so, and is written again.
func TestALetterThatIsNotWritten(t *testing.T) {
	t.Parallel()
	p := patient()
	p.MaxRetries = 0
	k, c, office := failingOn(t, 2, p)
	office.refuses = errors.New("no replicas")
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	w.Fail(letters, 0, failures.Failure{}, ByPolicy)
	kafkatest.Eventually(t, "the trouble", func() bool {
		_, err := w.Next(1, 1<<20, nil)
		w.StopWaiting()
		return err != nil && err.Error() == "dead letter not written: letters:0:0 to dlq.letters.group: no replicas"
	})
	office.set(func() { office.refuses = nil })
	wantTaken(t, w.afterTrouble(t, 1), 1)
	w.Accept(letters, 1)
	committed(t, k, "letters", 2)
	if n := len(office.written()); n != 1 {
		t.Errorf("%d letters", n)
	}
}

// afterTrouble is take, whatever the member is told until the records come.
func (w *worker) afterTrouble(t *testing.T, n int) (offsets []int64) {
	t.Helper()
	kafkatest.Eventually(t, "the records", func() bool {
		lent, _ := w.Next(n-len(offsets), 1<<20, nil)
		w.StopWaiting()
		for _, d := range lent {
			offsets = append(offsets, d.Offset)
		}
		return len(offsets) == n
	})
	return offsets
}

// Nothing of a topic is lent while its dead-letter topic cannot be used.
func TestADeadLetterTopicComesFirst(t *testing.T) {
	t.Parallel()
	_, c, office := failingOn(t, 2, patient())
	office.closed = errors.New("dead-letter topic is compacted")
	w := join(t, c, "a", topicsOf("letters"))
	kafkatest.Eventually(t, "the trouble", func() bool {
		lent, err := w.Next(1, 1<<20, nil)
		w.StopWaiting()
		if len(lent) > 0 {
			t.Fatal("lent")
		}
		return errors.Is(err, office.closed)
	})
	office.set(func() { office.closed = nil })
	wantTaken(t, w.afterTrouble(t, 2), 0, 1)
}

func TestARecordWhoseClientsDieIsGivenUp(t *testing.T) {
	t.Parallel()
	p := patient()
	p.MaxDeliveries, p.MaxRetries = 5, 10
	k, c, office := failingOn(t, 3, p)
	first := join(t, c, "a", topicsOf("letters"))
	const failed = 6 // which are no deaths
	for range failed {
		wantTaken(t, first.take(t, 1), 0)
		first.Fail(letters, 0, failures.Failure{}, 0)
	}
	first.Leave(true)
	for attempt := 1; attempt <= 5; attempt++ {
		w := join(t, c, "a", topicsOf("letters"))
		lent := w.next(t, 3)
		if lent[0].Offset != 0 || lent[0].Attempt != failed+attempt {
			t.Fatalf("lent %d, attempt %d; want 0, attempt %d", lent[0].Offset, lent[0].Attempt, failed+attempt)
		}
		w.Leave(false)
	}
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 2), 1, 2)
	w.AcceptThrough(letters, 2)
	committed(t, k, "letters", 3)
	if all := office.written(); len(all) != 1 || all[0].Failure.Reason != failures.CrashLoop || all[0].Source.Offset != 0 || all[0].Attempts != failed+5 {
		t.Errorf("the letters are %+v", all)
	}
	wantLeasesBalanced(t, c)
}

// A goodbye is no death, and neither is what the client gives back.
func TestAGoodbyeIsNoDeath(t *testing.T) {
	t.Parallel()
	_, c, _ := failingOn(t, 1, patient())
	for range 5 {
		w := join(t, c, "a", topicsOf("letters"))
		if d := w.next(t, 1)[0]; d.Attempt != 1 {
			t.Fatalf("attempt %d", d.Attempt)
		}
		w.Return(letters, 0)
		w.next(t, 1)
		w.Leave(true)
	}
}

func TestOldRecordsAreGivenUp(t *testing.T) {
	t.Parallel()
	p := patient()
	p.ExpireAfter = time.Hour
	_, c, office := failingOn(t, 0, p)
	kafkatest.Produce(t, c,
		&kgo.Record{Topic: "letters", Timestamp: time.Now().Add(-2 * time.Hour)}, &kgo.Record{Topic: "letters", Timestamp: time.Now()})
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 1)
	kafkatest.Eventually(t, "the letter", func() bool { return len(office.written()) == 1 })
	if l := office.written()[0]; l.Failure.Reason != failures.Expired || l.Source.Offset != 0 {
		t.Errorf("the letter is %+v", l)
	}
}

// The partition's other records go on while one of a key waits, and those of its key come behind it.
func TestAFailingRecordHoldsItsKey(t *testing.T) {
	t.Parallel()
	p := patient()
	p.Dispatch, p.MaxRetries = failures.Keyed, 10
	_, c, _ := failingOn(t, 0, p)
	for _, key := range []string{"x", "y", "x", "y"} {
		kafkatest.Produce(t, c, &kgo.Record{Topic: "letters", Key: []byte(key)})
	}
	w, other := join(t, c, "a", topicsOf("letters")), join(t, c, "b", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	w.Fail(letters, 0, failures.Failure{}, 300*time.Millisecond)
	wantTaken(t, other.take(t, 1), 1)
	other.quiet(t, 50*time.Millisecond)
	other.Accept(letters, 1)
	wantTaken(t, other.take(t, 1), 3)
	other.Accept(letters, 3)
	wantTaken(t, w.take(t, 1), 0)
	other.quiet(t, 50*time.Millisecond)
	w.Accept(letters, 0)
	wantTaken(t, other.take(t, 1), 2)
}

func TestOneGroupHasOneDispatch(t *testing.T) {
	t.Parallel()
	_, c, _ := failingOn(t, 2, failures.Policy{MaxRetries: failures.Unlimited})
	shared := topicsOf("letters")
	shared.Dispatch = failures.Shared
	w := join(t, c, "a", shared)
	_, err := c.Join(Identity{"group", "b"}, topicsOf("letters"), func() {})
	if err == nil || err.Error() != "group group is dispatched shared on this sluice for its other clients, not ordered: one group has one dispatch. "+
		"Ask for sluice.dispatch=shared, or use another group" {
		t.Fatal(err)
	}
	any := topicsOf("letters")
	any.AnyDispatch = true
	wantTaken(t, w.take(t, 1), 0)
	wantTaken(t, join(t, c, "c", any).take(t, 1), 1)
}

// What fails for everybody is nobody's fault: after some records only one is tried now and then.
func TestABreakerKeepsRecordsFromBeingGivenUp(t *testing.T) {
	t.Parallel()
	for _, dispatch := range []failures.Dispatch{failures.Ordered, failures.Shared} {
		t.Run(string(dispatch), func(t *testing.T) {
			t.Parallel()
			breakerKeeps(t, dispatch)
		})
	}
}

func breakerKeeps(t *testing.T, dispatch failures.Dispatch) {
	p := patient()
	p.Dispatch, p.MaxRetries, p.Breaker = dispatch, 3, failures.Breaker{Failures: 3, Probe: 100 * time.Millisecond}
	_, c, office := failingOn(t, 30, p)
	w := join(t, c, "a", topicsOf("letters"))
	began, trials := time.Now(), 0
	for trials < 10 {
		lent, err := w.Next(1, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(lent) == 0 {
			kafkatest.Await(t, w.woken, "a trial")
		}
		w.StopWaiting()
		for _, d := range lent {
			trials++
			w.Fail(d.TopicPartition, d.Offset, failures.Failure{}, ByPolicy)
		}
	}
	if took := time.Since(began); took < (10-3-1)*p.Breaker.Probe || len(office.written()) > 0 {
		t.Errorf("ten records in %v, %d letters", took, len(office.written()))
	}
	for n := 0; n < 30; {
		d := w.next(t, 1)[0]
		if w.Accept(d.TopicPartition, d.Offset) {
			n++
		}
	}
	wantLeasesBalanced(t, c)
}

// One record that fails, and wants to come again at once, does not take every trial: others get their turn.
func TestAPoisonRecordIsNotEveryTrial(t *testing.T) {
	t.Parallel()
	p := patient()
	p.Dispatch, p.MaxRetries, p.Breaker = failures.Shared, 3, failures.Breaker{Failures: 2, Probe: 200 * time.Millisecond}
	_, c, _ := failingOn(t, 2, p)
	w := join(t, c, "a", topicsOf("letters"))
	for failed := 0; ; failed++ {
		d := w.next(t, 1)[0]
		if d.Offset != 0 {
			break
		}
		if failed == 3 {
			t.Fatal("only the failing record is tried")
		}
		w.Fail(letters, 0, failures.Failure{}, 0)
	}
}

func TestConcurrencyAndRateAreBounded(t *testing.T) {
	t.Parallel()
	p := patient()
	p.MaxConcurrency = 2
	_, c, _ := failingOn(t, 10, p)
	w := join(t, c, "a", topicsOf("letters"))
	if lent := w.next(t, 10); len(lent) != 2 {
		t.Fatalf("lent %d", len(lent))
	}
	w.quiet(t, 50*time.Millisecond)
	w.Accept(letters, 0)
	wantTaken(t, w.take(t, 1), 2)
	w.quiet(t, 50*time.Millisecond)
}

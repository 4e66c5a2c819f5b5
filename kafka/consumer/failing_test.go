package consumer

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/failures"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

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

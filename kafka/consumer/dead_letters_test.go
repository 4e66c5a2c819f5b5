package consumer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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

// A record that was given up goes where its policy said then, whatever a reload says since.
func TestALetterKeepsItsTopic(t *testing.T) {
	t.Parallel()
	k, c, office := failingOn(t, 1, patient())
	office.refuses = errors.New("no replicas")
	w := join(t, c, "a", topicsOf("letters"))
	wantTaken(t, w.take(t, 1), 0)
	if held, err := w.Reject(letters, 0, failures.Failure{}, nil); !held || err != nil {
		t.Fatal(held, err)
	}
	kafkatest.Eventually(t, "the first try", func() bool {
		return everywhere(c, func(s *subscription) bool { return s.failed.letters.Load() > 0 })
	})
	cfg := *c.settings.Load()
	cfg.Failures = nil
	c.settings.Store(&cfg)
	office.set(func() { office.refuses = nil })
	committed(t, k, "letters", 1)
	if all := office.written(); len(all) != 1 || all[0].Topic != "dlq.letters.group" {
		t.Errorf("the letters are %+v", all)
	}
}

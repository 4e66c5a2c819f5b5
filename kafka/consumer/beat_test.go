package consumer

import (
	"testing"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

// A beat means progress: a loop that is stuck does not beat.
func TestALoopThatIsStuckDoesNotBeat(t *testing.T) {
	t.Parallel()
	p := kafkatest.NewPulse(t)
	_, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Register = p.Register })
	w := join(t, c, "a", topicsOf("letters"))
	w.take(t, 1)
	if _, err := c.Join(Identity{"aside", "a"}, topicsOf("letters"), func() {}); err != nil {
		t.Fatal(err)
	}
	w.sub.mu.Lock()
	stuck := p.Of("subscription:group").Beats
	other := p.Of("subscription:aside").Beats
	kafkatest.Eventually(t, "others to go on", func() bool { return p.Of("subscription:aside").Beats > other })
	now := p.Of("subscription:group").Beats
	w.sub.mu.Unlock()
	if now > stuck+1 {
		t.Errorf("beat %d times while it was stuck", now-stuck)
	}
	kafkatest.Eventually(t, "it to go on", func() bool { return p.Of("subscription:group").Beats > now })
}

package kafka

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/kafka/cluster"
	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
)

func TestEveryLoopBeatsAsLongAsItRuns(t *testing.T) {
	t.Parallel()
	p := kafkatest.NewPulse(t)
	_, c := lettersOn(t, 1, func(cfg *config.Config) { cfg.Register = p.Register })
	join(t, c, "group", "letters")
	want := []string{"lag", "producer:buffered", "producer:delivered", "subscription:group", "topics"}
	kafkatest.Eventually(t, "all loops", func() bool { return slices.Equal(p.Running(), want) })
	for _, name := range want {
		before := p.Of(name).Beats
		kafkatest.Eventually(t, "another beat of "+name, func() bool { return p.Of(name).Beats > before+1 })
	}
	if err := shut(c, kafkatest.Patience); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string(nil), p.Running()); diff != "" {
		t.Errorf("still running (-want +got):\n%s", diff)
	}
	p.WantInTime(t)
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
			p := kafkatest.NewPulse(t)
			c := openOn(t, brokers, func(cfg *config.Config) { cfg.Register = p.Register })
			buffer(t, c, 3)
			join(t, c, "group", "letters")
			kafkatest.Eventually(t, "a question that nobody answered", func() bool { return p.Of("lag").Longest > cluster.TurnTime/2 })
			before := p.Of("lag").Beats
			kafkatest.Eventually(t, "the next question", func() bool { return p.Of("lag").Beats > before+2 })
			_ = shut(c, time.Second)
			p.WantInTime(t)
		})
	}
}

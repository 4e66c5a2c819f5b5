package cluster

import (
	"context"
	"testing"
	"time"

	binding "github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/sluice-proxy/sluice/kafka/config"
	"github.com/sluice-proxy/sluice/kafka/kafkatest"
	"github.com/sluice-proxy/sluice/kafka/record"
)

func TestAPartitionThatIsGoneHidesNoOffset(t *testing.T) {
	t.Parallel()
	k := kafkatest.Brokers(t, kfake.SeedTopics(1, "letters"))
	c := openOn(t, k.ListenAddrs())
	letters := record.TopicPartition{Topic: "letters", Partition: 0}
	parcels := record.TopicPartition{Topic: "parcels", Partition: 0}
	err := c.Ask(func(a *Admin) error {
		ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
		defer cancel()
		at, gone, err := a.ListOffsets(ctx, ForAll([]record.TopicPartition{letters, parcels}, binding.LatestOffsetSpec))
		if end, told := at[letters]; !told || end != 0 || len(at) != 1 || gone[parcels] == nil || len(gone) != 1 {
			t.Errorf("offsets %v, without an answer %v", at, gone)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestALagWithoutBrokersIsUnknown(t *testing.T) {
	t.Parallel()
	o := clusterState{lags: []PartitionLag{{}}}
	cfg, now := config.Defaults(), longAgo
	if o.current(&cfg, now) {
		t.Error("a reading that never was is believed")
	}
	o.asOf = now
	if !o.current(&cfg, now.Add(cfg.Consume.LagInterval)) || o.current(&cfg, now.Add(4*cfg.Consume.LagInterval)) {
		t.Error("a reading is believed for about two intervals")
	}
}

// Nothing is known of the time in which nobody could be asked.
func TestProgressIsComparedWithTheReadingBefore(t *testing.T) {
	const limit = time.Minute
	for _, tt := range []struct {
		name               string
		committed, waiting int64
		comparable         bool
		stalled            bool
	}{
		{"nothing moved", 10, 5, true, true},
		{"something was committed", 11, 5, true, false},
		{"nothing is left to do", 10, 0, true, false},
		{"nobody could be asked before", 10, 5, false, false},
	} {
		p := progress{committed: 10, waiting: 5, since: longAgo}
		p.observe(tt.committed, tt.waiting, longAgo.Add(limit), tt.comparable, limit)
		if p.stalled != tt.stalled {
			t.Errorf("%s: stalled is %v", tt.name, p.stalled)
		}
	}
}

func TestAMarkerIsNothingToWaitFor(t *testing.T) {
	for _, tt := range []struct {
		lag     int64
		drained bool
		waiting int64
	}{{1, true, 0}, {1, false, 1}, {2, true, 2}} {
		p := PartitionLag{Lag: tt.lag}
		if n := p.waits(tt.drained); n != tt.waiting {
			t.Errorf("a lag of %d, drained is %v: %d to do", tt.lag, tt.drained, n)
		}
	}
}

// longAgo is a moment like any other.
var longAgo = time.Unix(1_700_000_000, 0)

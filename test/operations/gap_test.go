package operations

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// A window of 10 000 records is acknowledged but for the first one, and sluice is killed. The acknowledgements come through,
// to the sluice that starts again and to another one.
func TestWhatIsAcknowledgedBeyondAGapSurvives(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{true, false} {
		t.Run(map[bool]string{true: "started again", false: "another sluice"}[again], func(t *testing.T) {
			t.Parallel()
			ctx := harnesstest.Within(t, 2*time.Minute)
			cluster := harnesstest.Fake(t, harness.FakeOptions{})
			g := harnesstest.Gap{Admin: cluster.Admin, Group: "app", Topic: letters, Records: 10_000}
			harnesstest.Topic(t, ctx, cluster.Admin, g.Topic, 1)
			values := make([]string, g.Records)
			for i := range values {
				values[i] = fmt.Sprint(i)
			}
			if err := cluster.Admin.Produce(ctx, g.Topic, 0, nil, values...); err != nil {
				t.Fatal(err)
			}
			config := harnesstest.Config(t, `kafka: {consumer: {session.timeout.ms: 2000, heartbeat.interval.ms: 300}}`)
			open := func() *harness.Sluice {
				return start(t, ctx, harness.SluiceOptions{Brokers: cluster.Brokers(), HTTP: harnesstest.FreeAddr(t), Args: []string{"--config", config}})
			}
			first := open()
			g.Play(t, ctx, first, func() *harness.Sluice {
				if !again {
					return open()
				}
				s, err := first.Restart(ctx)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close() })
				return s
			})
		})
	}
}

package operations

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// oftenLag has a group's lag read ten times as often as usual.
const oftenLag = "consume: {lag_interval: 1s}"

// While the brokers of a cluster are restarted one by one, they answer what was committed with an error
// for some seconds. librdkafka's ListConsumerGroupOffsets ends the process then, see
// https://github.com/confluentinc/librdkafka/issues/4605. Ours goes on, and knows the lag again after.
func TestACoordinatorThatMoves(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]*kerr.Error{"is not here": kerr.NotCoordinator, "is nowhere": kerr.CoordinatorNotAvailable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := harnesstest.Within(t, 2*time.Minute)
			cluster := harnesstest.Fake(t, harness.FakeOptions{})
			harnesstest.Topic(t, ctx, cluster.Admin, letters, 1)
			if err := cluster.Admin.Produce(ctx, letters, 0, nil, "one"); err != nil {
				t.Fatal(err)
			}
			s := start(t, ctx, harness.SluiceOptions{Brokers: cluster.Brokers(), Args: []string{"--config", harnesstest.Config(t, oftenLag)}})
			c := connect(t, ctx, s.Addr, "app:w")
			if records, err := c.next("topics:"+letters, "30"); err != nil || len(records) != 1 {
				t.Fatalf("got %v, %v", records, err)
			}
			awaitLag(t, ctx, s, 1)

			var moving atomic.Bool
			var asked atomic.Int64
			moving.Store(true)
			cluster.Cluster.ControlKey(int16(kmsg.OffsetFetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
				cluster.Cluster.KeepControl()
				if !moving.Load() {
					return nil, nil, false
				}
				asked.Add(1)
				return declineOffsets(request.(*kmsg.OffsetFetchRequest), why), nil, true
			})
			harnesstest.Until(t, ctx, func(context.Context) error {
				if asked.Load() == 0 {
					return errors.New("nobody asked for the committed offsets")
				}
				return nil
			})
			if err := cluster.Admin.Produce(ctx, letters, 0, nil, "two"); err != nil {
				t.Fatal(err)
			}
			moving.Store(false)
			awaitLag(t, ctx, s, 2)
		})
	}
}

// declineOffsets answers a request for committed offsets with an error.
func declineOffsets(request *kmsg.OffsetFetchRequest, why *kerr.Error) kmsg.Response {
	response := request.ResponseKind().(*kmsg.OffsetFetchResponse)
	response.ErrorCode = why.Code
	for _, asked := range request.Groups {
		group := kmsg.NewOffsetFetchResponseGroup()
		group.Group, group.ErrorCode = asked.Group, why.Code
		response.Groups = append(response.Groups, group)
	}
	return response
}

// awaitLag waits until the metrics say so.
func awaitLag(t *testing.T, ctx context.Context, s *harness.Sluice, want float64) {
	t.Helper()
	harnesstest.Until(t, ctx, func(ctx context.Context) error {
		select {
		case <-s.Done():
			t.Fatal("the proxy has ended")
		default:
		}
		m, err := s.Scrape(ctx)
		if err != nil {
			return err
		}
		if got := m.Sum("sluice_consumer_group_lag_messages", "group", "app"); got != want {
			return fmt.Errorf("the lag is %v, want %v", got, want)
		}
		return nil
	})
}

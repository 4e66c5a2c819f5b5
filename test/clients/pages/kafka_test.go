//go:build clients

package pages

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-proxy/sluice/test/harness"
	"github.com/sluice-proxy/sluice/test/harness/harnesstest"
)

// kafka is the broker inside a sluice, asked by a client that shares no code with it.
type kafka struct{ admin *harness.Admin }

var brokerStarted = regexp.MustCompile(`msg="embedded broker started" address=(\S+)`)

func kafkaOf(t *testing.T, s *harness.Sluice) *kafka {
	t.Helper()
	started := brokerStarted.FindStringSubmatch(s.Output())
	if started == nil {
		t.Fatalf("sluice does not say where its broker is:\n%s", s.Output())
	}
	return &kafka{harnesstest.Admin(t, started[1:])}
}

// records are all of a topic, of one partition.
func (k *kafka) records(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	records, err := k.admin.Records(harnesstest.Within(t, patience), topic)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// allCommitted waits until a group has committed all that a topic has.
func (k *kafka) allCommitted(t *testing.T, group, topic string) {
	t.Helper()
	records := k.records(t, topic)
	if len(records) == 0 {
		t.Errorf("%s has no records", topic)
	}
	k.committed(t, group, topic, int64(len(records)))
}

func (k *kafka) committed(t *testing.T, group, topic string, want int64) {
	t.Helper()
	found := int64(-1)
	err := harness.Until(harnesstest.Within(t, patience), func(ctx context.Context) error {
		at, err := k.admin.Committed(ctx, group, topic, 0)
		if err != nil {
			return err
		}
		if found = at; found != want {
			return errors.New("not committed")
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s has committed %d of %s, want %d: %v", group, found, topic, want, err)
	}
}

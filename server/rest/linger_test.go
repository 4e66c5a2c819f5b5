package rest_test

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/kafka"
	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// startDeploying has a clock, and subscriptions that linger for an hour.
func startDeploying(t *testing.T) (*resttest.Sluice, *resttest.Clock) {
	s, c := resttest.StartWithClock(t)
	cfg := s.Configured()
	cfg.Consume.Linger = time.Hour
	if _, err := s.Client.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	for p := range 3 {
		s.Put("orders", p, `0`)
	}
	return s, c
}

// A worker that is gone must not hold back workers of its group that ask for another topic too. Only the records that
// it was lent have to wait for the end of their leases.
func TestALenderKeepsNothingFromOthersOfItsGroup(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]string{
		"a topic more":     "topics=orders,blobs&wait=200ms",
		"another property": "topics=orders&wait=200ms&fetch.wait.max.ms=100",
	} {
		t.Run(name, func(t *testing.T) {
			s, c := startDeploying(t)
			old := s.Take("a", "topics=orders&wait=20s&ack_timeout=1m")
			if len(old) == 0 {
				t.Fatal("nothing was lent")
			}
			resttest.Eventually(t, "the other worker gets everything", func() bool {
				c.Forward(time.Minute)
				s.Ask("GET", "/v1/groups/a/messages?"+after+"&ack=none", "")
				subs := s.Client.Status().Subscriptions
				return len(subs) == 1 && subs[0].Partitions >= 3
			})
			s.Balanced()
		})
	}
}

// A deleted consumer instance makes room for other members of its group.
func TestADeletedInstanceMakesRoom(t *testing.T) {
	t.Parallel()
	s, _ := startDeploying(t)
	s.Instance(resttest.Manual, "orders")
	if len(s.Records(resttest.W1+"/records?timeout=20000")) == 0 {
		t.Fatal("nothing was lent")
	}
	wait := s.Later(func() (*resttest.Reply, string) {
		return s.Ask("GET", "/v1/groups/billing/messages?topics=orders,blobs&wait=30s", "")
	})
	resttest.Eventually(t, "the other waits", func() bool { return s.Client.Stats().Subscriptions == 2 })
	s.Talk(resttest.Call("DELETE", resttest.W1, ``, 204, ``))
	if got := <-wait; got.Reply.StatusCode != 200 || got.Text == "[]" {
		t.Errorf("%d %s", got.Reply.StatusCode, got.Text)
	}
	resttest.Eventually(t, "one subscription is left", func() bool { return s.Client.Stats().Subscriptions == 1 })
}

// Requests that come less often than the lender looks keep it, even if they find nothing.
func TestAVisitKeepsALender(t *testing.T) {
	t.Parallel()
	s, c := startDeploying(t)
	s.Take("a", "topics=orders&wait=20s&ack=none")
	for range 4 {
		c.Ahead.Add(int64(lender.Linger * 3 / 4))
		s.Take("a", "topics=orders&wait=0s&ack=none")
		c.Forward(0)
	}
	first := kafka.Identity{Group: "a", Name: "http takes 1"}
	if s.Client.Stats().Members != 1 || s.Client.Find(first) == nil {
		t.Error("the lender has ended")
	}
}

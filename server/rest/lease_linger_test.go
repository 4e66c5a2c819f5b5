package rest

import (
	"testing"
	"time"

	"github.com/sluice-proxy/sluice/server/lender"
)

// startDeploying is startWithClock with subscriptions that linger for ever.
func startDeploying(t *testing.T) (*sluice, *clock) {
	s, c := startWithClock(t)
	cfg := s.configured()
	cfg.SubscriptionLinger = time.Hour
	if _, err := s.client.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	for p := range 3 {
		s.put("orders", p, `0`)
	}
	return s, c
}

// A worker that is gone keeps nothing from workers of its group that ask for another topic too, but for what
// it was lent, until its time is over.
func TestALenderKeepsNothingFromOthersOfItsGroup(t *testing.T) {
	for name, after := range map[string]string{
		"a topic more":     "topics=orders,blobs&wait=200ms",
		"another property": "topics=orders&wait=200ms&fetch.wait.max.ms=100",
	} {
		t.Run(name, func(t *testing.T) {
			s, c := startDeploying(t)
			old := s.take("a", "topics=orders&wait=20s&ack_timeout=1m")
			if len(old) == 0 {
				t.Fatal("nothing was lent")
			}
			eventually(t, "the other worker gets everything", func() bool {
				c.forward(s.door.v1.lenders, time.Minute)
				s.ask("GET", "/v1/groups/a/messages?"+after+"&ack=none", "")
				subs := s.client.Status().Subscriptions
				return len(subs) == 1 && subs[0].Partitions >= 3
			})
			s.balanced()
		})
	}
}

// An instance of a consumer of REST v2 that is deleted makes room for others of its group.
func TestADeletedInstanceMakesRoom(t *testing.T) {
	s, _ := startDeploying(t)
	s.instance(manual, "orders")
	if len(s.records(w1+"/records?timeout=20000")) == 0 {
		t.Fatal("nothing was lent")
	}
	wait := s.later(func() (*reply, string) {
		return s.ask("GET", "/v1/groups/billing/messages?topics=orders,blobs&wait=30s", "")
	})
	eventually(t, "the other waits", func() bool { return s.client.Stats().Subscriptions == 2 })
	s.talk(turn{"DELETE", w1, ``, 204, ``})
	if got := <-wait; got.reply.StatusCode != 200 || got.text == "[]" {
		t.Errorf("%d %s", got.reply.StatusCode, got.text)
	}
	eventually(t, "one subscription is left", func() bool { return s.client.Stats().Subscriptions == 1 })
}

// Requests that find records at once, or nothing, and come less often than the lender looks, use it as well.
func TestAVisitKeepsALender(t *testing.T) {
	s, c := startDeploying(t)
	s.take("a", "topics=orders&wait=20s&ack=none")
	for range 4 {
		c.ahead.Add(int64(lender.Linger * 3 / 4))
		s.take("a", "topics=orders&wait=0s&ack=none")
		s.door.v1.lenders.Wake()
	}
	if now := s.door.v1.lenders.Stats(); now.Lenders != 1 || now.Opened != 1 {
		t.Error("the lender has ended")
	}
}

package rest

import (
	"net/http/httptest"
	"testing"

	"github.com/sluice-proxy/sluice/server/lender"
)

// bound sets consume.max_subscriptions.
func (s *sluice) bound(most int) {
	s.t.Helper()
	cfg := s.configured()
	cfg.MaxSubscriptions = most
	if _, err := s.client.Reconfigure(cfg); err != nil {
		s.t.Fatal(err)
	}
}

// Who has gone keeps no group out: neither a worker of our own way of consuming, nor an instance.
func TestOtherGroupsGetThePlacesOfThoseThatNobodyUses(t *testing.T) {
	s, c := startWithClock(t)
	s.bound(1)
	s.fill(1)
	s.take("a", "topics=blobs&wait=0s")
	eventually(t, "the lender is gone", func() bool {
		c.forward(s.door.v1.lenders, lender.Linger)
		return s.client.Stats().Members == 0
	})
	if got := s.take("b", all+"&ack=none"); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	eventually(t, "the lender is gone", func() bool {
		c.forward(s.door.v1.lenders, lender.Linger)
		return s.client.Stats().Members == 0
	})
	s.instance(manual, "blobs")
	wantOffsets(t, s.records(w1+"/records?timeout=10000"), 0)
	answer, text := s.ask("GET", "/v1/groups/c/messages?topics=blobs", "")
	wantFailure(t, "an instance is at work", answer, text, 503, 50003, "raise it")
	s.talk(turn{"DELETE", w1, ``, 204, ``})
	if got := s.take("c", all); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	s.balanced()
}

// The peer counts, whatever it says of others.
func TestThePeerIsTheAddress(t *testing.T) {
	for _, c := range []struct{ remote, want string }{{"10.1.2.3:4", "10.1.2.3"}, {"[2001:db8::1]:4", "2001:db8::1"}, {"@", "invalid IP"}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		if got := (&exchange{r: r}).address().String(); got != c.want {
			t.Errorf("%s: %s", c.remote, got)
		}
	}
}

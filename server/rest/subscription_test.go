package rest_test

import (
	"testing"

	"github.com/sluice-proxy/sluice/server/lender"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// Clients that have gone keep no other group out: neither a worker with leases, nor a consumer instance.
func TestOtherGroupsGetThePlacesOfThoseThatNobodyUses(t *testing.T) {
	t.Parallel()
	s, c := resttest.StartWithClock(t)
	s.Bound(1)
	s.Fill(1)
	s.Take("a", "topics=blobs&wait=0s")
	resttest.Eventually(t, "the lender is gone", func() bool {
		c.Forward(lender.Linger)
		return s.Client.Stats().Members == 0
	})
	if got := s.Take("b", resttest.All+"&ack=none"); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	resttest.Eventually(t, "the lender is gone", func() bool {
		c.Forward(lender.Linger)
		return s.Client.Stats().Members == 0
	})
	s.Instance(resttest.Manual, "blobs")
	resttest.WantOffsets(t, s.Records(resttest.W1+"/records?timeout=10000"), 0)
	answer, text := s.Ask("GET", "/v1/groups/c/messages?topics=blobs", "")
	resttest.WantFailure(t, "an instance is at work", answer, text, 503, 50003, "raise it")
	s.Talk(resttest.Call("DELETE", resttest.W1, ``, 204, ``))
	if got := s.Take("c", resttest.All); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	s.Balanced()
}

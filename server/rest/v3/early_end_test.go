package v3_test

import (
	"strings"
	"testing"

	"github.com/sluice-proxy/sluice/server/rest/exchange"
	"github.com/sluice-proxy/sluice/server/rest/resttest"
)

// After a stream that ends before its body, the later requests of the connection must be answered.
func TestAStreamThatEndsEarlySpoilsNoOtherRequest(t *testing.T) {
	t.Parallel()
	s := resttest.Start(t, exchange.Options{})
	good := `{"value":{"type":"JSON","data":1}}`
	path := s.V3() + "/topics/orders/records"
	for range 300 {
		s.Ask("POST", path, good+`7`, "Content-Type", exchange.JSONType)
		if answer, text := s.Ask("GET", "/topics", ""); answer.StatusCode != 200 || !strings.Contains(text, "orders") {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
	}
}

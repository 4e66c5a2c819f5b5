package rest

import (
	"strings"
	"testing"
)

// A stream that ends before its body does must not spoil the requests that follow on its connection.
func TestAStreamThatEndsEarlySpoilsNoOtherRequest(t *testing.T) {
	s := start(t, Options{})
	good := `{"value":{"type":"JSON","data":1}}`
	path := s.v3() + "/topics/orders/records"
	for range 300 {
		s.ask("POST", path, good+`7`, "Content-Type", jsonType)
		if answer, text := s.ask("GET", "/topics", ""); answer.StatusCode != 200 || !strings.Contains(text, "orders") {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
	}
}

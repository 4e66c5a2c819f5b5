package kafka

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests, and gives the property tests walks long enough
// to fill a window; the command line goes above it.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.steps": "120", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}
